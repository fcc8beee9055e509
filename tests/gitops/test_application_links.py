"""Addresses of an Application in other consoles."""

from __future__ import annotations

import pytest

from apps.gitops.links import argocd_link, commit_link, git_link
from apps.gitops.models import Application

REPO = "https://github.com/redhat-appstudio/infra-deployments"


@pytest.mark.parametrize(
    ("repo", "revision", "path", "expected"),
    [
        (f"{REPO}.git", "main", "components/has", f"{REPO}/tree/main/components/has"),
        (REPO, "release/1.2", "", f"{REPO}/tree/release%2F1.2"),
        (REPO, "", "components/has", REPO),
        ("https://gitlab.cee.example/a/b.git", "main", "x y", "https://gitlab.cee.example/a/b/-/tree/main/x%20y"),
        ("https://charts.example.com/stable", "1.2.3", "redis", "https://charts.example.com/stable"),
        ("git@github.com:a/b.git", "main", "x", ""),
        ("javascript:alert(1)//github", "main", "x", ""),
        ("https://user@github.com/a/b", "main", "x", ""),
    ],
)
def test_the_folder_of_the_wanted_revision(repo: str, revision: str, path: str, expected: str) -> None:
    assert git_link(repo, revision, path) == expected


def test_the_commit_only_on_forges_whose_addresses_are_known() -> None:
    assert commit_link(f"{REPO}.git", "3f2c") == f"{REPO}/commit/3f2c"
    assert commit_link("https://gitlab.example/a/b", "3f2c") == "https://gitlab.example/a/b/-/commit/3f2c"
    assert commit_link("https://charts.example.com/stable", "1.2.3") == ""
    assert commit_link(REPO, "") == ""


def test_argo_cds_page_keeps_names_within_their_place() -> None:
    application = Application(namespace="argocd", name="a/../b?x")
    assert argocd_link(application, "https://argocd.example.com/root/") == (
        "https://argocd.example.com/root/applications/argocd/a%2F..%2Fb%3Fx"
    )
    assert argocd_link(application, "not told") == ""
