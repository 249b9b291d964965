# SPDX-License-Identifier: BSD-2-Clause
"""The status page in a real browser: what it shows, in both schemes, on a phone, with keys alone."""
import subprocess

import pytest

from browser import Browser
from observed import PREFIX, observed  # noqa: F401

TAB, ENTER = "\ue004", "\ue007"


@pytest.fixture(scope="module")
def page(observed, tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    try:
        browser.open(f"http://127.0.0.1:{observed.http}/")
        browser.eventually("return document.documentElement.dataset.looks >= 1 && status && status.announcer"
                           " && status.announcer.health && status.route_state === 'up'", "the first look")
        browser.eventually("return document.getElementById('checks').textContent.includes('disk')", "the check that fails")
        yield browser
    finally:
        browser.close()


def test_it_says_what_the_route_does(page):
    assert page.text("#state") == "● Announced" and page.text("h1") == "tested"
    assert page.text("#why") == "every probe is answered well" and page.text("#since").startswith("for ")
    assert "1 of 2" in page.text("#facts")


def test_it_shows_each_part(page):
    neighbors = page.text("#neighbors")
    assert "● Established" in neighbors and "■ " in neighbors and PREFIX in neighbors and "connection refused" in neighbors
    zones = page.text("#zones")
    assert "example.org." in zones and "nsec.example." in zones and "● served" in zones
    assert "fleet" not in page.text("#fleet-count") and "tested (this one)" in page.text("#fleet")
    assert f"{PREFIX}: none → good" in page.text("#time") and "127.0.0.1: session established" in page.text("#time")
    # A rate takes two looks.
    page.eventually("return document.getElementById('rate-legend').textContent !== ''"
                    " && document.getElementById('latency-legend').textContent.includes('within')", "the graphs")


def test_what_is_bad_stands_open_and_what_is_good_is_folded(page):
    folds = page.run("return [...document.querySelectorAll('#checks > details')].map((d) => [d.dataset.key, d.open])")
    assert ["others", True] in folds and [f"prefix {PREFIX}", False] in folds and ["probes", False] in folds
    assert "▲ disk" in page.text("#checks")


def test_nothing_is_wrong_with_its_code_or_policy(page):
    assert page.complaints() == []


def test_keys_are_enough(page):
    page.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.press(TAB)
    assert page.run("return document.activeElement.className") == "skip"
    for _ in range(30):
        if page.run("return document.activeElement.parentNode.dataset?.key") == "probes":
            break
        page.press(TAB)
    page.press(ENTER)
    assert page.run("return [...document.querySelectorAll('#checks details')].find((d) => d.dataset.key === 'probes').open")
    looks = page.run("return Number(document.documentElement.dataset.looks)")
    page.eventually(f"return document.documentElement.dataset.looks > {looks}", "the next look")
    # It has been drawn anew meanwhile: open still, and the focus is where it was.
    assert page.run("return document.activeElement.parentNode.dataset?.key") == "probes"
    assert "UDP" in page.text("#checks")


def test_a_screen_reader_finds_its_way(page):
    nameless = page.run("""
        const named = (e) => e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.labels?.length;
        return [...document.querySelectorAll('section:not([role]), [role=img], [role=region], input')]
            .filter((e) => !named(e)).map((e) => e.outerHTML.slice(0, 80));""")
    assert nameless == []
    assert page.run("return document.querySelector('#state').closest('[aria-live=polite]') !== null")
    assert page.run("return document.getElementById('rate-graph').getAttribute('aria-label')").startswith("Answers a second")
    assert page.run("return [...document.querySelectorAll('th')].every((th) => th.scope === 'col')")


# The least contrast of text that WCAG 2.2 AA asks for is 4.5 to 1.
CONTRAST = """
    const parts = (c) => c.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const behind = (e) => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
    return [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && [...e.childNodes]
        .some((n) => n.nodeType === 3 && n.textContent.trim())).map((e) => {
            const [a, b] = [light(parts(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
            return [(a + .05) / (b + .05), e.textContent.slice(0, 40)]; }).filter(([ratio]) => ratio < 4.5);"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_everything_is_readable(page, width, dark):
    page.look(width, 800, dark)
    assert page.run("return matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run(CONTRAST) == []


def test_zones_are_found_by_name(page):
    page.run("const f = document.getElementById('find'); f.value = 'NSEC'; f.dispatchEvent(new Event('input'));")
    assert "nsec.example." in page.text("#zones") and "example.org." not in page.text("#zones")
    page.run("const f = document.getElementById('find'); f.value = ''; f.dispatchEvent(new Event('input'));")


def test_a_drain_shows_with_its_reason(observed, page):
    def hither(*arguments):
        return subprocess.run([observed.programs / "hither", "-c", observed.configuration, *arguments], timeout=60,
                              capture_output=True, check=True)

    hither("drain", "--force", "--reason", "new <b>disk</b>")
    page.eventually("return document.getElementById('state').textContent === '■ Withdrawn'", "the withdrawal")
    assert page.text("#why") == "drained: new <b>disk</b>" and page.run("return document.title").startswith("■ Withdrawn")
    assert "operator: drain: new <b>disk</b>" in page.text("#time")
    hither("resume")
    page.eventually("return document.getElementById('state').textContent === '● Announced'", "the route")
