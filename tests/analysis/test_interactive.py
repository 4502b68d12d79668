"""Figures of the report in a real browser: they answer a pointer, hide what is clicked, and fetch nothing."""

import browser
import pytest

pytestmark = [
    pytest.mark.usefixtures("scripts"),
    pytest.mark.slow,
    pytest.mark.skipif(browser.program() is None, reason="no Chromium here: apt-get install chromium"),
]

WHERE = """(element => {{
    element.scrollIntoView({{block: "center"}});
    const box = element.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
}})({})"""


@pytest.fixture(scope="module")
def window():
    try:
        opened = browser.Browser().__enter__()
    except (RuntimeError, OSError) as error:
        pytest.skip(f"Chromium does not start here: {error}")
    yield opened
    opened.__exit__()


@pytest.fixture
def page(window, runs, tmp_path):
    """Opens a report of some of the runs, and returns what the learning curves are in JavaScript."""
    import report

    def opened(names, width=1280, rollouts=False):
        path = tmp_path / "report.html"
        path.write_text(report.build([runs[name] for name in names], "ci", 1, rollouts).html(), encoding="utf-8")
        window.open(path, width=width)
        return "document.querySelector('figure:has(svg[aria-label^=\"Learning curves\"])')"

    yield opened
    assert window.failures == []


def tip(window):
    return window.evaluate("document.querySelector('.tip').hidden ? null : document.querySelector('.tip').textContent")


def place(window, figure, series, nth, panel=0):
    """Where in the window a point of a series is."""
    window.evaluate(f"{figure}.scrollIntoView()")
    return window.evaluate(f"""(() => {{
        const points = JSON.parse({figure}.dataset.told).series[{series}].points.filter(point => point[0] === {panel});
        const [, x, y] = points[{nth}];
        const shown = new DOMPoint(x, y).matrixTransform({figure}.querySelector("svg").getScreenCTM());
        return [shown.x, shown.y];
    }})()""")


def shown(window, figure, series):
    """Whether the line of a series is drawn."""
    drawn = f"[...{figure}.querySelectorAll('[data-series=\"{series}\"]')]"
    states = set(window.evaluate(f"{drawn}.map(part => getComputedStyle(part).display !== 'none')"))
    assert len(states) == 1, "line and band together"
    return states.pop()


def test_a_point_says_the_values_of_the_run(window, page, runs):
    import series
    from tables import readable

    figure = page(["k4_1"])
    assert tip(window) is None
    for i, metric in enumerate(("after", "before")):
        iterations, rewards = series.curve(runs["k4_1"], metric)
        for nth in (0, -1):
            at = place(window, figure, i, nth % len(iterations))
            window.point(at[0] + 2, at[1] + 2)
            said = f"{metric} adaptation\nmeta-iterations: {iterations[nth]}\n{readable(float(rewards[nth]))}"
            assert tip(window) == said
    window.point(2, 2)
    assert tip(window) is None


def test_the_line_is_where_its_points_are(window, page):
    """The last point of each curve lies on the drawn line's end, to half a pixel."""
    figure = page(["k4_1"])
    for i in (0, 1):
        at = place(window, figure, i, 2)
        end = window.evaluate(f"""(() => {{
            const line = {figure}.querySelector('[data-series="{i}"] path');
            const end = line.getPointAtLength(line.getTotalLength()).matrixTransform(line.getScreenCTM());
            return [end.x, end.y];
        }})()""")
        assert end == pytest.approx(at, abs=0.5)


def test_a_click_hides_a_group_in_all_panels_and_shows_it_again(window, page):
    figure = page(["k4_1", "k4_2", "k6_1"])
    button = f"{figure}.querySelectorAll('.button')[0]"
    assert window.evaluate(f"{figure}.querySelectorAll('[data-series=\"0\"]').length") == 8, "4 lines and 4 bands"
    for state in (False, True):
        window.click(*window.evaluate(WHERE.format(button)))
        assert [shown(window, figure, i) for i in (0, 1)] == [state, True]
        assert window.evaluate(f"{button}.getAttribute('aria-pressed')") == str(state).lower()
    window.click(*window.evaluate(WHERE.format(button)))
    window.point(*place(window, figure, 0, 0))
    assert tip(window).startswith("queries = 6\n"), "what is hidden says nothing"


def test_a_double_click_leaves_one_and_keys_do_what_clicks_do(window, page):
    figure = page(["k4_1", "k6_1"])
    second = f"{figure}.querySelectorAll('.button')[1]"
    at = window.evaluate(WHERE.format(second))
    for wanted in ([False, True], [True, True]):
        window.evaluate(f"{second}.dispatchEvent(new MouseEvent('dblclick', {{bubbles: true}}))")
        assert [shown(window, figure, i) for i in (0, 1)] == wanted
    window.evaluate(f"{second}.focus()")
    window.press("Enter")
    assert [shown(window, figure, i) for i in (0, 1)] == [True, False]
    assert at[0] > 0


def test_a_phone_scrolls_figures_and_not_the_page(window, page):
    figure = page(["k4_1", "k4_2", "k6_1"], width=390)
    assert window.evaluate("document.documentElement.scrollWidth") == 390
    assert window.evaluate(f"{figure}.scrollWidth") > 600
    at = place(window, figure, 0, 1)
    window.point(*at)
    left, right = window.evaluate(
        "(box => [box.left, box.right])(document.querySelector('.tip').getBoundingClientRect())"
    )
    assert 0 <= left and right <= 390, "the values stay on the screen"


def test_paths_of_a_task_are_hidden_by_its_name(window, page):
    page(["k4_1"], rollouts=True)
    figure = "document.querySelector('figure:has(svg[aria-label^=\"Paths\"])')"
    button = f"{figure}.querySelector('.button[aria-label=\"show task 2\"]')"
    window.click(*window.evaluate(WHERE.format(button)))
    assert [shown(window, figure, i) for i in range(4)] == [True, True, False, True]
    window.point(*place(window, figure, 1, 30, panel=1))
    assert tip(window).startswith("task 1\nstep ")
