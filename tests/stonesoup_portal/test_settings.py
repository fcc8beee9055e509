"""What the settings make in the state folder, and what they do not let the environment change."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from apps.core.live import MOMENTS, PAGES
from stonesoup_portal.asgi import PAGE_THREADS
from stonesoup_portal.settings.databases import POOL

ROOT = Path(__file__).resolve().parents[2]
TWO_AT_ONCE = """
from stonesoup_portal.settings import embedded
state, make, others = embedded.PORTAL_STATE / "new", embedded.get_random_secret_key, []

def make_while_another_starts():
    embedded.get_random_secret_key = make
    others.append(embedded.kept_secret_key(state))
    return make()

embedded.get_random_secret_key = make_while_another_starts
print([embedded.kept_secret_key(state)] == others != [""])
"""


def told_by(settings: str, code: str, **environment: str) -> str:
    """What a program printed that ran on these settings."""
    program = f"import django; django.setup(); from django.conf import settings; {code}"
    told = {**os.environ, "DJANGO_SETTINGS_MODULE": f"stonesoup_portal.settings.{settings}", **environment}
    done = subprocess.run(
        [sys.executable, "-c", program], env=told, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_database_and_the_key_are_their_owners_alone_in_an_open_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    told_by(
        "embedded",
        "from django.db import connection as c; c.cursor().execute('create table t (i)')",
        PORTAL_STATE=str(tmp_path),
    )
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir() if path.is_file()}
    assert {"portal.sqlite3", "secret-key"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_processes_that_start_together_on_a_new_folder_have_one_key(tmp_path: Path) -> None:
    code = f"exec({TWO_AT_ONCE!r})"
    assert told_by("embedded", code, PORTAL_STATE=str(tmp_path)) == "True"


def test_the_pool_has_a_connection_for_every_page_and_for_what_makes_pages_anew() -> None:
    """All page threads may hold one while they wait for a page that is made anew, which needs one more to be made."""
    renewing = sum(keeper._renewing._max_workers for keeper in (PAGES, MOMENTS))
    assert POOL["max_size"] >= PAGE_THREADS + renewing + 1


def test_hosts_may_be_written_with_blanks_and_for_whole_domains() -> None:
    needed = {"PORTAL_SECRET_KEY": "k" * 60, "PORTAL_BROKER_URL": "redis://127.0.0.1/0"}
    told = told_by(
        "production",
        "print(settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS)",
        PORTAL_HOSTS="a.example.com, .apps.example.com,",
        PORTAL_DATABASE_URL="postgresql://portal@127.0.0.1/portal",
        **needed,
    )
    assert told == "['a.example.com', '.apps.example.com'] ['https://a.example.com', 'https://*.apps.example.com']"
