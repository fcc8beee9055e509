"""F25, F26, F28: a corpus of texts that try to run, in every text that an upstream can send, on every page.

They are written as rows as the collectors write them, seen in Chromium under the portal's own policy, and once more
after a live swap. Nothing runs, nothing is asked of elsewhere, no element or address of theirs is in the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.db.models import CharField, Model, TextField
from playwright.sync_api import Page

from apps.accounts.models import Role
from apps.actions.audit import audit_note
from apps.actions.models import ActionRequest, Freeze
from apps.alerts.models import Episode, Rule
from apps.core.text import clean, clean_all
from apps.core.topics import raise_topics
from apps.fleet.models import Cluster, ClusterObject
from apps.gitops.models import Application, ApplicationDetail, ApplicationSet, ClusterConnection, Project
from apps.sources.models import Source
from apps.timeline.models import Transition
from tests.browser.small_fleet import BROKEN, CLUSTER, EVERY_PAGE, FINGERPRINT, LISTS, every_state_rows
from tests.browser.visiting import Visit, Visitor
from tests.rows import application_row, change_row, episode_row, object_row

CORPUS = (
    "<script>xss()</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>xss()</scr</script>ipt>",
    "</script><script data-evil>xss()</script>",
    "</title><script>xss()</script>",
    "</textarea><script>xss()</script>",
    "--><script>xss()</script><!--",
    "]]><script>xss()</script>",
    "<![CDATA[<script>xss()</script>]]>",
    "<img src=x onerror=xss()>",
    "<img src=https://evil.example/pixel.png data-evil>",
    "<IMG SRC=`javascript:xss()` data-evil>",
    '<img """><script>xss()</script>">',
    "<svg onload=xss()>",
    "<svg/onload=xss()//",
    "<svg><script>xss()</script></svg>",
    "<svg><a xlink:href=javascript:xss() data-evil>x</a></svg>",
    "<svg><animate onbegin=xss() attributeName=x>",
    "<svg><use href=data:image/svg+xml,<svg/onload=xss()>></svg>",
    "<math><mtext><img src onerror=xss()></math>",
    "<body onload=xss()>",
    "<iframe src=javascript:xss()></iframe>",
    "<iframe srcdoc='<script>parent.xss()</script>'></iframe>",
    "<object data=javascript:xss() data-evil></object>",
    "<embed src=https://evil.example/x.swf data-evil>",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<style>*{background:url(https://evil.example/)}</style>",
    "<form action=https://evil.example/><button data-evil>go</button></form>",
    "<details open ontoggle=xss()>",
    "<input autofocus onfocus=xss()>",
    "<video><source onerror=xss()></video>",
    "<marquee onstart=xss()>",
    "<a href=javascript:xss() data-evil>x</a>",
    "<a href='JaVaScRiPt:xss()' data-evil>x</a>",
    "<template shadowrootmode=open><script>xss()</script></template>",
    "<div data-evil hx-get=https://evil.example/ hx-trigger=load>",
    "<div data-evil data-hx-get='/accounts/sign-out/' data-hx-trigger=load>",
    "<div data-evil hx-on::load=xss() hx-on:click=xss()>",
    "<div id=live data-live hx-swap-oob=true data-evil>gone</div>",
    '" onmouseover="xss()" autofocus onfocus="xss()" data-evil="',
    "' onmouseover='xss()' autofocus onfocus='xss()' data-evil='",
    '" style="background:url(https://evil.example/)" data-evil="',
    '"><img src=x onerror=xss()>',
    "'><svg onload=xss()>",
    "` onerror=xss() data-evil",
    "{{7*7}}{% load x %}{{ settings.SECRET_KEY }}{#",
    "${7*7}#{7*7}<%= 7*7 %>[[7*7]]",
    "&lt;img src=x onerror=xss()&gt;",
    "&#60;script&#62;xss()&#60;/script&#62;",
    "&amp;lt;script&amp;gt;&#x6a;avascript:xss()",
    '"}];xss();//',
    "\\u003cscript\\u003exss()\\u003c/script\\u003e",
    "\u2028xss()\u2029</script>",
    "\u202e>tpircs/<()ssx>tpircs<\u202c",
    "\u2066<b data-evil>\u2069\u200b\ufeff",
    "<\x00script>xss()</\x00script>",
    "\x1b[31m<b data-evil>\x07\x08",
    "＜script＞xss()＜/script＞",
    "\ud83d<b data-evil>\udc00",
    "<!--person-->&portal-now;",
)
ADDRESSES = (
    "javascript:xss()",
    "JaVaScRiPt:xss()",
    "java\tscript:xss()",
    "java\nscript:xss()",
    "\x01javascript:xss()",
    " javascript:xss()",
    "javascript&colon;xss()",
    "&#106;avascript:xss()",
    "vbscript:msgbox(1)",
    "data:text/html,<script>xss()</script>",
    "data:text/html;base64,PHNjcmlwdD54c3MoKTwvc2NyaXB0Pg==",
    "//evil.example/",
    "/\\evil.example/",
    "https:/\\evil.example/",
    "https://good.example@evil.example/",
    "https://good.example/\" onclick=\"xss()\" data-evil=\"",
    "file:///etc/passwd",
    "blob:https://evil.example/1",
)  # fmt: skip
ASKED = ("q", "tone", "cluster", "sort", "page", "environment", "group", "set", "health", "severity", "owner", "since")
PATIENCE_MS = 30_000
SENTINEL = """
window.xss = () => console.error("A TEXT OF AN UPSTREAM RAN");
document.addEventListener("securitypolicyviolation", (event) => console.error(`violation ${event.violatedDirective}`));
"""
NOT_OURS = """() => {
  const isAddress = (name) => ["href", "src", "action", "formaction", "xlink:href", "data", "srcdoc"].includes(name);
  const isAllowed = (value) => ["http:", "https:"].includes(new URL(value, location.href).protocol);
  const isBad = ({ name, value }) => name.startsWith("on") || name === "style" || name === "data-evil" ||
    /^(data-)?hx-on/.test(name) || /^(data-)?hx-/.test(name) && /evil|sign-out/.test(value) ||
    isAddress(name) && !isAllowed(value) && !value.startsWith("data:image/svg");
  const kinds = "main :is(img, script, iframe, object, embed, base, link, meta, style, math, video, template, marquee)";
  return [...document.querySelectorAll("*")]
    .filter((each) => each.matches(kinds) || [...each.attributes].some(isBad))
    .map((each) => each.outerHTML.slice(0, 200));
}"""
SWAPPED = """() => new Promise((done, failed) => {
  document.addEventListener("htmx:afterSettle", () => setTimeout(done, 50), { once: true });
  setTimeout(failed, 10000, "nothing was swapped in");
  document.querySelector("#live").dataset.version = "0";
  htmx.trigger("#live", "portal:refresh");
})"""
OURS = frozenset(
    [
        "tone",
        "role",
        "kind",
        "state",
        "key",
        "group",
        "instance",
        "namespace",
        "alertmanager",
        "fingerprint",
        "cluster",
        "environment",
        "subject",
        "uid",
        "field",
        "source",
        "prometheus",
        "status",
        "application",
        "project",
    ]
)


class Texts:
    """The corpus again and again, as long as somebody asks: each text is cut as the collectors cut it."""

    def __init__(self) -> None:
        self._words: Iterator[str] = cycle((*CORPUS, *ADDRESSES))

    def one(self, limit: int = 2000) -> str:
        """The next one, whole or cut."""
        return clean(next(self._words), limit)

    def some(self, limit: int) -> str:
        """As many as there is room for, one after another: what ends in one may begin in the next."""
        return clean(" ".join(islice(self._words, 1 + limit // 40)), limit)


def spoilt(row: Model, texts: Texts) -> None:
    """Writes the next texts into every column of a row that holds a text of an upstream."""
    for field in row._meta.concrete_fields:
        if isinstance(field, (CharField, TextField)) and field.name not in OURS and not field.choices:
            setattr(row, field.name, texts.some(field.max_length or 2000))
    row.save()


def spoil_all(texts: Texts) -> None:
    """Every row that there is says the corpus, wherever it may."""
    for model in (
        Episode,
        Rule,
        Cluster,
        ClusterObject,
        Application,
        ApplicationSet,
        ClusterConnection,
        Source,
        Transition,
        ActionRequest,
        Freeze,
    ):
        names = {"name", "server"} if model in (Cluster, Application, ActionRequest) else set()
        for row in model._default_manager.all():
            before = {name: getattr(row, name) for name in names if hasattr(row, name)}
            spoilt(row, texts)
            for name, value in before.items():
                setattr(row, name, value)
            row.save()


def rows_of_the_corpus(texts: Texts, mark: str) -> None:
    """A row of each kind for each text, whose name it is; the `mark` keeps names apart from another time's."""
    for number, word in enumerate((*CORPUS, *ADDRESSES)):
        told = f"{clean(word, 240)} {mark}{number}"
        application_row(
            told, tone="critical", reason=texts.some(1000), health_status=clean(word, 50), sync_status=texts.one(50),
            health_message=texts.some(1000), set_name=texts.one(253), repo_url=clean(word), path=texts.one(1000),
            target_revision=texts.one(300), sync_revision=clean(word, 300), destination=texts.one(500), cluster="",
            condition_types=f" {texts.one(200)} ", operation_phase=texts.one(50), project=texts.one(253),
            conditions=[{"type": texts.one(100), "message": texts.one(), "at": None}],
        )  # fmt: skip
        episode_row(
            told, fingerprint=f"{mark}{number:015x}", severity=texts.one(50), owner=texts.one(300), cluster="",
            cluster_told=texts.one(300), runbook_url=clean(word), generator_url=clean(word), reason=texts.some(500),
            annotations={"summary": clean(word), texts.one(100): texts.one()}, labels={texts.one(100): texts.one()},
            group_labels={clean(word, 100): texts.one(100)}, group_key=f"{clean(word, 400)}{mark}", state_since=None,
            other_state=texts.one(50), receivers=[texts.one(100)],
        )  # fmt: skip
        object_row(CLUSTER, "Node", told, tone="warning", status=clean(word, 200), reason=texts.some(1000))
        change_row(told, before=texts.one(500), after=clean(word, 500), by=texts.one(200), link=clean(word, 500))


def details_of_the_corpus(texts: Texts) -> None:
    """The pages of one Application and of one alert say all of it."""
    every = [clean(word, 300) for word in (*CORPUS, *ADDRESSES)]
    row = Application.objects.get(name=BROKEN)
    row.conditions = [{"type": word[:100], "message": word, "at": None} for word in every]
    row.operation = {
        "phase": "Failed",
        "message": texts.some(2000),
        "initiated_by": texts.one(),
        "revision": texts.one(),
    }
    row.operation["infos"] = [[word, word] for word in every]
    row.labels = {word: word for word in every}
    row.save()
    resources = [
        {"group": word, "version": "v1", "kind": word, "namespace": word, "name": word, "status": word,
         "health_status": word, "health_message": word, "message": word, "hook_phase": word}
        for word in every
    ]  # fmt: skip
    told = {"namespace": "argocd", "name": row.name, "project": "default", "is_complete": True}
    data: dict[str, Any] = {
        "application": told, "resources": resources, "operation_resources": resources, "images": every,
        "external_urls": every,
        "history": [{"id": number, "revision": word, "initiated_by": word} for number, word in enumerate(every)],
    }  # fmt: skip
    ApplicationDetail.objects.create(application=row, asked_at=row.tone_since, read_at=row.tone_since, data=data)
    guards = [{"guard": word, "answer": "warn", "words": word, "link": word} for word in every]
    ActionRequest.objects.update(
        guards=guards, operation={"phase": every[0], "message": every[1], "resources": resources}
    )
    for request in ActionRequest.objects.all():
        with transaction.atomic():
            audit_note(event=texts.one(40), who=texts.one(150), request=request, words=texts.some(1000))
    labels = {word: word for word in every}
    told = {"labels": labels, "annotations": labels, "group_labels": labels, "receivers": every}
    Episode.objects.filter(fingerprint=FINGERPRINT).update(**clean_all(told))
    window = {
        "kind": "deny",
        "schedule": "* * * * *",
        "duration": "24h",
        "applications": ["*"],
        "description": texts.one(),
    }
    Project.objects.filter(name="default").update(sync_windows=[window])
    Source.objects.update(warnings=every)
    Cluster.objects.update(not_installed=every, not_allowed=every, aliases=every)


def all_of_it(mark: str) -> None:
    """Everything that a hostile upstream can say, in one fleet."""
    texts = Texts()
    if mark == "a":
        every_state_rows()
        spoil_all(texts)
        details_of_the_corpus(texts)
    rows_of_the_corpus(texts, mark)
    raise_topics(["alerts", "apps", "apps:production", "clusters", "silences", "sources", "timeline"])


def watched(visitor: Visitor) -> Visit:
    """A window in which whatever runs says so."""
    visit = visitor(role=Role.APPROVER)
    visit.context.set_default_timeout(PATIENCE_MS)
    visit.context.add_init_script(SENTINEL)
    return visit


def look_at(visit: Visit, page: Page, path: str) -> None:
    """Nothing of the corpus is more than text, and nobody was led elsewhere."""
    assert (path, page.evaluate(NOT_OURS)) == (path, [])
    assert (path, visit.said) == (path, [])
    assert page.url.startswith(visit.url)


def test_the_corpus_is_text_on_every_page_and_after_a_swap_f25_f26_f28(visitor: Visitor) -> None:
    all_of_it("a")
    visit = watched(visitor)
    for path in EVERY_PAGE:
        look_at(visit, visit.open(path), path)
    all_of_it("b")
    for path in EVERY_PAGE:
        page = visit.open(path)
        if page.locator("#live").count():
            page.evaluate(SWAPPED)
            look_at(visit, page, f"{path}, swapped")


def test_what_it_says_is_there_to_be_read(visitor: Visitor) -> None:
    all_of_it("a")
    visit = watched(visitor)
    words = [word for word in CORPUS if word.isascii() and word.isprintable()]
    told = visit.open(f"/apps/production/argocd/{BROKEN}/").locator("body").inner_text()
    assert [word for word in words if word not in told] == []
    told = visit.open(f"/alerts/appsre/{FINGERPRINT}/").locator("body").inner_text()
    assert [word for word in words if word not in told] == []


@pytest.mark.parametrize("path", ["/apps/", "/alerts/", "/clusters/", "/timeline/", "/search/"])
def test_the_address_is_text_too(visitor: Visitor, path: str) -> None:
    """What a link makes the portal say of its filters is text as well."""
    if path not in {*LISTS, *(each.partition("?")[0] for each in EVERY_PAGE)}:
        pytest.skip(f"LEFT OUT: there is no page {path}")
    every_state_rows()
    visit = watched(visitor)
    for word in ('"><img src=x onerror=xss()>', "</title><script>xss()</script>", "' autofocus onfocus='xss()"):
        asked = "&".join(f"{name}={quote(word)}" for name in ASKED)
        look_at(visit, visit.open(f"{path}?{asked}"), f"{path} {word}")


def test_a_text_that_were_an_element_would_be_found(visitor: Visitor) -> None:
    """The traps of this file work: each of these, written into a page as HTML, is noticed."""
    visit = watched(visitor)
    page = visit.open("/sources/")
    for word in (
        CORPUS[9],
        CORPUS[10],
        CORPUS[41],
        CORPUS[37],
        "<a href='java&Tab;script:xss()'>x</a>",
        "<iframe></iframe>",
    ):
        page.evaluate(
            "(html) => { document.querySelector('main').innerHTML = `<p title=\"${html}\">${html}</p>` }", word
        )
        assert page.evaluate(NOT_OURS) != [], word
    page.wait_for_timeout(200)
    assert any("violation script-src" in words for words in visit.said)
    assert any("evil.example" in words for words in visit.said)
    page.evaluate("xss()")
    assert visit.said[-1] == "A TEXT OF AN UPSTREAM RAN"
    visit.said.clear()
