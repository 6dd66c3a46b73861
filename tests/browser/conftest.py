"""A real JupyterLab or Notebook in a real Chromium. Nothing leaves the machine, and nobody's own configuration is
touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import Page, Request, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOTS = os.environ.get("KUIPER_NB_SHOTS", "")
"""A folder for pictures of what the tests see; '' for none."""

ALONE = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-domain-reliability", "--disable-sync", "--disable-default-apps",
    "--no-first-run", "--no-pings", "--metrics-recording-only", "--disable-client-side-phishing-detection",
    "--disable-breakpad", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
_QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
_WAIT = 60_000
Product = Literal["jupyterlab", "notebook"]
_PRODUCTS = {"jupyterlab": ("lab/tree", "LabApp"), "notebook": ("notebooks", "JupyterNotebookApp")}
"""Where each shows a notebook, and the application whose settings it reads."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests are skipped, with the reason; where CI is set they must run."""
    if CHROMIUM is None and not os.environ.get("CI"):
        skip = pytest.mark.skip(reason="no chromium here: apt-get install chromium, or set CI to see it fail")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


class Lab:
    """A JupyterLab, or a Notebook, on a free port of its own choosing, with private folders."""

    def __init__(self, folder: Path, mode: str = "auto", product: Product = "jupyterlab") -> None:
        self.page, application = _PRODUCTS[product]
        self.root = folder / "notebooks"
        self.root.mkdir()
        self.spare: list[Page] = []
        settings = folder / "config" / "labconfig"
        settings.mkdir(parents=True)
        (settings / "default_setting_overrides.json").write_text(json.dumps(_QUIET), encoding="utf-8")
        self.runtime = folder / "runtime"
        private = {f"JUPYTER_{name.upper()}_DIR": str(folder / name) for name in ("config", "data", "runtime")}
        environment = {**os.environ, **private, "IPYTHONDIR": str(folder / "ipython"), "KUIPER_NB_MODE": mode}
        environment.pop("PYTHONWARNINGS", None)
        command = [
            sys.executable, "-m", product, "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0",
            "--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={self.root}",
            "--LabApp.extension_manager=readonly", f"--{application}.expose_app_in_browser=True",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.url = self._address()

    def _address(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                return found[0]
        raise AssertionError(f"{self.page} did not start")

    def notebook(self, name: str, cells: list[Any]) -> Path:
        """Write a notebook of texts, which are code, or of cells, which have shown nothing yet; its path."""
        fresh = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else _not_run(cell) for cell in cells]
        made = nbformat.v4.new_notebook(cells=fresh)
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.root / f"{name}.ipynb"
        nbformat.write(made, path)
        return path

    def close(self) -> None:
        """Shut it down, its kernels too."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _not_run(cell: Any) -> Any:
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


class Desk:
    """One notebook that is open in a page."""

    def __init__(self, page: Page, lab: Lab, name: str) -> None:
        self.page = page
        self.lab = lab
        self.name = name

    def open(self) -> None:
        """Load the page, and wait until the kernel is there."""
        self.page.goto(f"{self.lab.url}/{self.lab.page}/{self.name}.ipynb?reset", timeout=_WAIT)
        self.page.wait_for_function("() => window.jupyterapp && window.jupyterapp.shell.currentWidget", timeout=_WAIT)
        self._ready()

    def open_beside(self) -> None:
        """Open it as a person does who has the page before them, and wait until the kernel is there."""
        self.page.evaluate(
            """async (path) => {
                const app = window.jupyterapp, panel = await app.commands.execute('docmanager:open', {path});
                app.shell.activateById(panel.id);
            }""",
            f"{self.name}.ipynb",
        )
        self.page.wait_for_function(
            "path => window.jupyterapp.shell.currentWidget?.context?.path === path", arg=f"{self.name}.ipynb"
        )
        self._ready()

    def _ready(self) -> None:
        self.page.evaluate(
            """async () => {
                const app = window.jupyterapp; await app.restored;
                const panel = app.shell.currentWidget; await panel.context.ready; await panel.sessionContext.ready;
                await panel.sessionContext.session.kernel.info;
            }"""
        )
        self.page.wait_for_function(IDLE, timeout=_WAIT)

    def close(self) -> None:
        """Shut its kernel down and close it, not the page."""
        self.page.evaluate(
            """async () => {
                const panel = window.jupyterapp.shell.currentWidget;
                await panel.sessionContext.shutdown(); panel.dispose();
            }"""
        )

    def run(self, number: int | None = None) -> None:
        """Run all cells, or the one of this *number* (from 0), and wait until the kernel is idle."""
        self.page.evaluate(
            """async (number) => {
                const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
                if (number === null) return await app.commands.execute('notebook:run-all-cells');
                notebook.activeCellIndex = number; notebook.deselectAll();
                return await app.commands.execute('notebook:run-cell');
            }""",
            number,
        )
        self.page.wait_for_function(IDLE, timeout=_WAIT)

    def run_to_the_end(self) -> None:
        """Run all cells and wait for the last, however often the kernel is idle in between."""
        self.page.evaluate("async () => await window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(
            """() => [...Array(window.jupyterapp.shell.currentWidget.content.model.cells.length).keys()]
                .map(n => window.jupyterapp.shell.currentWidget.content.model.cells.get(n))
                .every(cell => cell.type !== 'code' || cell.executionCount)""",
            timeout=_WAIT,
        )
        self.page.wait_for_function(IDLE, timeout=_WAIT)

    def start(self, number: int) -> None:
        """Run one cell without waiting for it."""
        self.page.evaluate(
            """(number) => {
                const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
                notebook.activeCellIndex = number; notebook.deselectAll();
                app.commands.execute('notebook:run-cell');
            }""",
            number,
        )

    @contextmanager
    def kernel(self) -> Iterator[BlockingKernelClient]:
        """Its kernel, asked without the browser and the server between."""
        id = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id")
        client = BlockingKernelClient(connection_file=str(self.lab.runtime / f"kernel-{id}.json"))
        client.load_connection_file()
        client.start_channels()
        try:
            yield client
        finally:
            client.stop_channels()

    def idle(self) -> bool:
        """Whether no cell runs; what a view says makes the kernel busy for a moment, too."""
        return self.page.locator(".jp-InputPrompt", has_text="[*]").count() == 0

    def theme(self, name: str) -> None:
        """Change the colours of the page."""
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        self.page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached", timeout=_WAIT)

    @property
    def path(self) -> Path:
        """The file."""
        return self.lab.root / f"{self.name}.ipynb"

    def saved(self) -> Any:
        """Save the notebook; what is in the file then."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
        return nbformat.read(self.path, as_version=4)

    def shot(self, name: str) -> None:
        """A picture, when somebody wants to look."""
        if SHOTS:
            self.page.screenshot(path=f"{SHOTS}/{name}.png")


Opening = Callable[[list[Any]], Desk]
IDLE = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab, started once."""
    opened = Lab(tmp_path_factory.mktemp("lab"))
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser. Its driver is an event loop in this thread, which tests outside are not to find here."""
    assert CHROMIUM is not None, "CI is set and there is no chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ALONE)
        yield browser
        browser.close()


@contextmanager
def opening(lab: Lab, chromium: Any, name: str, *, before: Callable[[Page], object] | None = None) -> Iterator[Opening]:
    """Opens notebooks, in pages that *before* has had, else in one that an earlier test has left. Afterwards no request
    has gone to another machine, and the kernels are gone."""
    opened: list[Desk] = []
    elsewhere: list[str] = []

    def asked(made: Request) -> None:
        if not made.url.startswith(_HERE):
            elsewhere.append(made.url)

    def open_one(cells: list[Any]) -> Desk:
        lab.notebook(name, cells)
        left = _left(lab) if before is None else None
        page = left or chromium.new_page(viewport={"width": 1280, "height": 1000})
        page.on("request", asked)
        made = Desk(page, lab, name)
        opened.append(made)
        if before is not None:
            before(page)
        if left is None:
            made.open()
        else:
            made.open_beside()
        return made

    yield open_one
    for made in opened:
        made.close()
        made.page.remove_listener("request", asked)
        if before is None:
            lab.spare.append(made.page)
        else:
            made.page.close()
    assert elsewhere == []


def _left(lab: Lab) -> Page | None:
    """A page that a test has left as it had found it: to load one takes seconds."""
    while lab.spare:
        page = lab.spare.pop()
        if not page.is_closed():
            if page.locator(".jp-Dialog").count() == 0:
                return page
            page.close()
    return None


@pytest.fixture
def desk(lab: Lab, chromium: Any, request: pytest.FixtureRequest) -> Iterator[Opening]:
    """Opens a notebook of the test's own."""
    with opening(lab, chromium, re.sub(r"\W+", "_", request.node.name)) as open_one:
        yield open_one


_HERE = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
