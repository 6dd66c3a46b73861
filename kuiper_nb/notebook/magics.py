"""The one magic, `kuiper`: reads the first line, asks the session, shows the answer."""

from __future__ import annotations

import os
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.display import display
from traitlets import Enum, observe

import kuiper_nb

from . import firstline, modes
from .inspecting import Inspecting
from .place import Cells


@magics_class
class Kuiper(Magics):
    """eKuiper's streaming SQL: `%%kuiper [NAME]` with statements below it, `%kuiper VERB [KIND] NAME`."""

    mode = Enum(
        modes.MODES,
        default_value="auto",
        help="live for a person, bounded and on virtual time for nbval, nbclient and papermill; auto finds out",
    ).tag(config=True)

    shell: Any

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._said: set[tuple[str, str]] = set()
        self._made_in: dict[str, int] = {}
        self.cells = Cells(shell)
        self.inspecting = Inspecting(shell)

    @needs_local_scope
    @no_var_expand
    @line_cell_magic
    def kuiper(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """eKuiper's streaming SQL; `%kuiper help` says what there is."""
        from . import verbs

        bind = self._binding(local_ns or {})
        if cell is None:
            if verbs.is_sql(line):
                return self._statements(line, firstline.FirstLine(), bind)
            first, answer = verbs.done(line, kuiper_nb.session(), self.cells.place)
            if verbs.is_reset(line):
                kuiper_nb.forget_session()
                self._said.clear()
                self._made_in.clear()
            return self._shown(answer, first)
        if line.split()[:1] == ["test"]:
            first = firstline.read(line.strip().removeprefix("test"))
            return self._shown(self._tested(first, cell, bind), first)
        if line.split()[:1] == ["plugin"]:
            return self._plugin(line.strip(), cell)
        if line.split()[:1] == ["service"]:
            return self._service(line.strip(), cell, local_ns or {})
        first = firstline.read(line)
        if not cell.strip():
            raise firstline.FirstLineError("the cell is empty", firstline.USAGE)
        return self._statements(cell, first, bind)

    def _statements(self, text: str, first: firstline.FirstLine, bind: Any) -> Any:
        from . import cell

        session = kuiper_nb.session()
        replaced = first.name in session.rules
        try:
            outcome = cell.done(session, text, first, bind, self.cells.place)
        except cell.Interrupted as interrupted:
            if interrupted.value is not None:
                _display(interrupted.value)
            raise
        if not first.quiet:
            self._tell(outcome.messages)
            if replaced and first.name:
                where = f" of cell [{self._made_in[first.name]}]" if first.name in self._made_in else ""
                print(f"Rule {first.name} replaces the one{where}.")
            for note in outcome.notes:
                if (first.name, note) not in self._said:
                    self._said.add((first.name, note))
                    print(f"note: {note}")
        if first.name:
            self._made_in[first.name] = self.cells.current
        return self._shown(outcome.value, first)

    def _plugin(self, line: str, cell: str) -> None:
        """Make the cell a plugin."""
        from . import plugincell

        messages, loud = plugincell.made(kuiper_nb.session(), line, cell, self.cells)
        if loud:
            self._tell(messages)

    def _service(self, line: str, cell: str, names: dict[str, Any]) -> None:
        """Make the cell a service."""
        from . import serviceverbs

        messages, loud = serviceverbs.made(kuiper_nb.session(), line, cell, {**self.shell.user_ns, **names})
        if loud:
            self._tell(["\n".join(messages)])

    def _tested(self, first: firstline.FirstLine, cell: str, bind: Any) -> Any:
        """Run a cell that is a test; a difference is shown before the error that says so."""
        from . import trials

        try:
            return trials.tested(kuiper_nb.session(), first, cell, bind)
        except trials.TestFailed as failed:
            _display(failed.report)
            raise

    def _tell(self, messages: list[Any]) -> None:
        for message in messages:
            if isinstance(message, str):
                print(message.rstrip())
            else:
                _display(message)

    def _shown(self, value: Any, first: firstline.FirstLine) -> Any:
        """Bind it where a variable was asked for; answer it unless the line says --quiet."""
        if first.variable:
            self.shell.user_ns[first.variable] = value
        if first.quiet:
            return None
        if isinstance(value, str):
            print(value)
            return None
        return value

    def _binding(self, local: dict[str, Any]) -> Any:
        """What `{{expression}}` in SQL is worth: evaluated once, with the notebook's names."""

        def bind(expression: str) -> Any:
            return eval(compile(expression, "<{{…}}>", "eval"), self.shell.user_ns, local)

        return bind

    def running_mode(self) -> modes.Running:
        """The mode a new session gets. Raises KuiperError when KUIPER_NB_MODE is no mode."""
        return modes.decided(self.mode, os.environ, self.shell)

    @observe("mode")
    def _mode_changed(self, change: Any) -> None:
        """Another mode needs another clock: what is defined stays, the rules end."""
        if kuiper_nb._session is None:
            return
        before, wanted = kuiper_nb.session(), self.running_mode()
        if before.mode == wanted:
            return
        after, rules = modes.beside(before, wanted), len(before.rules)
        after.inherit(before)
        kuiper_nb.forget_session()
        kuiper_nb._session = after
        dropped = f"; {rules} {'rule was' if rules == 1 else 'rules were'} dropped" if rules else ""
        print(f"Kuiper is {wanted} now{dropped}.")


def _display(value: Any) -> None:
    display(value)  # type: ignore[no-untyped-call]
