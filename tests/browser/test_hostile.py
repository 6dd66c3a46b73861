"""Text of users in every place where a view shows some: none of it is taken for html, none of it runs."""

from __future__ import annotations

import json

from .conftest import Opening
from .test_views import LOAD, PATIENT, row

PAYLOADS = [
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    "<svg><script>window.hacked=1</script></svg>",
    '"><script>window.hacked=1</script>',
    "'><img src=x onerror=window.hacked=1>",
    "</td></tr></table><script>window.hacked=1</script>",
    "</style><script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "</title><img src=x onerror=window.hacked=1>",
    "</textarea><img src=x onerror=window.hacked=1>",
    "<iframe src=javascript:parent.hacked=1></iframe>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<body onload=window.hacked=1>",
    "<details open ontoggle=window.hacked=1>",
    "<video><source onerror=window.hacked=1></video>",
    "<audio src=x onerror=window.hacked=1>",
    "<input autofocus onfocus=window.hacked=1>",
    "<select autofocus onfocus=window.hacked=1>",
    "<marquee onstart=window.hacked=1>",
    "<a href=javascript:window.hacked=1 autofocus>x</a>",
    "<object data=javascript:window.hacked=1></object>",
    "<embed src=javascript:window.hacked=1>",
    "<math><mtext></mtext><img src=x onerror=window.hacked=1></math>",
    "<template><script>window.hacked=1</script></template>",
    '<noscript><p title="</noscript><img src=x onerror=window.hacked=1>">',
    "<style>@import 'javascript:window.hacked=1'</style>",
    "<link rel=stylesheet href=javascript:window.hacked=1>",
    "<meta http-equiv=refresh content='0;url=javascript:window.hacked=1'>",
    "<form action=javascript:window.hacked=1><button autofocus>x</button></form>",
    "<img src='x' onerror='window.hacked=1'//",
    "<IMG SRC=x ONERROR=window.hacked=1>",
    "<img/src=x/onerror=window.hacked=1>",
    "<<img src=x onerror=window.hacked=1>",
    "<img src=x onerror=&#119;indow.hacked=1>",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "${window.hacked=1}",
    "{{constructor.constructor('window.hacked=1')()}}",
    "javascript:window.hacked=1",
    "\u2028<svg/onload=window.hacked=1>\u2029",
]

CELL = """
payloads = {payloads}
session = kuiper.session()
session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
@kuiper.function
def strict(text):
    if text.startswith("!"):
        raise ValueError(text[1:])
    return text
for number, text in enumerate(payloads):
    name = text.replace("`", "")
    made = session.rule("SELECT strict(v) AS `" + name + "`, v FROM demo", id=text)
rule = session.rule("SELECT strict(v) AS w, * FROM demo", id="all " + payloads[0])
rule.logs = lambda: list(payloads)
kuiper.push("demo", [{{"v": text, text: text}} for text in payloads] + [{{"v": "!" + text}} for text in payloads])
session.settle()
"""


def test_forty_payloads_run_nothing(desk: Opening) -> None:
    assert len(PAYLOADS) == 40
    cell = CELL.format(payloads=json.dumps(PAYLOADS, ensure_ascii=True))
    views = (
        "import ipywidgets\nipywidgets.VBox([kuiper.view(id) for id in list(kuiper.rules)[:2]] + [kuiper.view(rule)])"
    )
    notebook = desk([LOAD, cell, views, "%kuiper status", "rule"])
    notebook.run()
    page = notebook.page

    page.locator(".kn-result").nth(3).wait_for(timeout=PATIENT)
    for number in range(4):
        view = page.locator(".kn-result").nth(number)
        view.locator("tbody tr").first.wait_for(timeout=PATIENT)
        view.locator("[data-panel=errors]").click(timeout=PATIENT)
        view.locator(".kn-panel td").first.wait_for(timeout=PATIENT)
    everything = page.locator(".kn-result").nth(2)
    everything.locator("[data-panel=logs]").click()
    everything.locator(".kn-log").wait_for(timeout=PATIENT)
    everything.locator("[data-mode=single]").click()
    everything.locator(".kn-figure").first.wait_for(timeout=PATIENT)
    everything.locator("[data-mode=update]").click()
    everything.locator("[data-chart=line]").click()
    everything.locator(".kn-drawing").wait_for(timeout=PATIENT)
    status = page.locator(".kn-status")
    row(notebook, "all ").get_by_role("button", name="logs rule all").click()
    status.locator(".kn-log").wait_for(timeout=PATIENT)
    page.wait_for_timeout(1000)
    notebook.shot("hostile")

    assert page.evaluate("() => window.hacked") is None
    assert status.locator("tbody tr.kn-kind-rule").count() == 41
    strangers = "script, img, iframe, video, audio, object, embed, link, style, form, marquee, math, details, template"
    assert page.locator(".kn-view").locator(strangers).count() == 0
