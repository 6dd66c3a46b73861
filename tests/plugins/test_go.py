"""Plugins in Go: how they are built, what the compiler's complaints become, and what Go's own ways of failing do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kuiper_nb.contracts import Call
from kuiper_nb.errors import PluginError
from kuiper_nb.plugins import gobuild
from kuiper_nb.plugins.connection import Connection
from kuiper_nb.plugins.gobuild import build
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.launch import Program
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.peer import Control, Lost

from .conftest import PATIENCE, Collected

MAIN = """\
package main

import (
    "os"

    "kuiper_nb/sdk"
)

func main() {
    sdk.Start(os.Args, &sdk.PluginConfig{
        Name:      "one",
        Functions: map[string]sdk.NewFunctionFunc{"twice": sdk.Of(twice)},
    })
}
"""
TWICE = "\nfunc twice(n int64) int64 { return 2 * n }\n"

PECULIAR = """\
package main

import (
    "errors"
    "fmt"
    "log"
    "log/slog"
    "os"
    "sync/atomic"
    "time"

    "kuiper_nb/sdk"
)

type celsius float64

type point struct {
    X int     `json:"x"`
    Y *string `json:"y"`
}

func started(n int64) int64 {
    go func() {
        var nothing map[string]int
        nothing["a"] = 1
    }()
    select {}
}

func pointed(n *int64) any {
    if n == nil {
        return "null"
    }
    return *n
}

type ticking struct{ interval int }

func (t *ticking) Configure(_ string, props map[string]any) error {
    interval, ok := props["interval"].(float64)
    if !ok {
        panic("no interval")
    }
    t.interval = int(interval)
    return nil
}

func (t *ticking) Open(ctx sdk.StreamContext, consumer chan<- sdk.SourceTuple, errCh chan<- error) {
    ticker := time.NewTicker(time.Duration(t.interval) * time.Millisecond)
    defer ticker.Stop()
    for n := 0; ; n++ {
        select {
        case <-ticker.C:
            consumer <- sdk.NewDefaultSourceTuple(map[string]any{"n": n, "rule": ctx.GetRuleId()}, nil)
        case <-ctx.Done():
            return
        }
        if n == 2 {
            errCh <- errors.New("three are enough")
        }
    }
}

func (t *ticking) Close(sdk.StreamContext) error {
    closed.Add(1)
    return nil
}

type stubborn struct{}

func (stubborn) Configure(string, map[string]any) error { return nil }

func (stubborn) Open(ctx sdk.StreamContext, consumer chan<- sdk.SourceTuple, _ chan<- error) {
    for ctx.Err() == nil {
        consumer <- sdk.NewDefaultSourceTuple(map[string]any{"n": 1}, nil)
    }
    opened.Add(1)
}

func (stubborn) Close(sdk.StreamContext) error { return nil }

var closed, opened atomic.Int64

func noisy(n int) int {
    log.Printf("by log: %d", n)
    slog.Warn("by slog", "n", n)
    return n
}

func short(a []float64) []float64 { return a[:1] }

func main() {
    sdk.Start(os.Args, &sdk.PluginConfig{
        Name: "peculiar",
        Functions: map[string]sdk.NewFunctionFunc{
            "started": sdk.Of(started),
            "pointed": sdk.Of(pointed),
            "warm":    sdk.Of(func(c celsius) celsius { return c + 1 }),
            "small":   sdk.Of(func(n uint8) uint8 { return n }),
            "where":   sdk.Of(func(n int) point { return point{X: n} }),
            "torn":    sdk.Of(func(n int) string { return "a\\xff" }),
            "closed":  sdk.Of(func(n int) chan int { return nil }),
            "recent":  sdk.Of(func(t time.Time) string { return t.Format(time.RFC3339) }),
            "joined":  sdk.Of(func(separator string, of ...int) string { return fmt.Sprint(separator, of) }),
            "short":   sdk.Vectorized(short),
            "noisy":   sdk.Of(noisy),
            "counts":  sdk.Of(func() []int64 { return []int64{closed.Load(), opened.Load()} }),
        },
        Sources: map[string]sdk.NewSourceFunc{
            "ticking":  func() sdk.Source { return &ticking{} },
            "stubborn": func() sdk.Source { return stubborn{} },
            "panicked": sdk.SourceOf(func(sdk.StreamContext, map[string]any, sdk.Emit) error { panic("no more") }),
        },
    })
}
"""

pytestmark = pytest.mark.usefixtures("go")


def program(built: Path) -> Program:
    return Program(lambda connection: [str(built), str(connection)], built.parent)


@pytest.fixture
def running() -> Iterator[Callable[..., Kernel]]:
    started: list[Kernel] = []

    def run(source: str | Path, name: str = "one") -> Kernel:
        kernel = program(build(source, name))(Lines())
        started.append(kernel)
        kernel.ready(PATIENCE)
        return kernel

    yield run
    for each in started:
        each.close()


def called(
    kernel: Kernel, symbol: str, *columns: list[object], rows: int | None = None
) -> tuple[list[object], dict[int, str]]:
    answer = kernel.call(symbol, Call(columns, len(columns[0]) if rows is None else rows), PATIENCE)
    values = answer.values if isinstance(answer.values, list) else answer.values.to_pylist()
    return values, {row: failure.message for row, failure in answer.failures.items()}


# ---- building


def test_the_text_of_a_cell_is_a_plugin(running: Callable[..., Kernel]) -> None:
    assert called(running(MAIN + TWICE), "twice", [1, 2]) == ([2, 4], {})


def test_the_same_source_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = build(MAIN + TWICE, "one")
    monkeypatch.setattr(gobuild, "DEADLINE", 0.0)

    assert build(MAIN + TWICE, "one") == first


def test_a_change_is_built_anew(running: Callable[..., Kernel]) -> None:
    assert build(MAIN + TWICE, "one") != build(MAIN + TWICE.replace("2", "3"), "one")
    assert called(running(MAIN + TWICE.replace("2", "3")), "twice", [1]) == ([3], {})


def test_a_folder_is_a_plugin(running: Callable[..., Kernel], tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(MAIN, encoding="utf-8")
    (tmp_path / "twice.go").write_text("package main\n" + TWICE, encoding="utf-8")

    assert called(running(tmp_path), "twice", [4]) == ([8], {})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["main.go", "twice.go"]


def test_a_folder_may_be_a_module_of_its_own(running: Callable[..., Kernel], tmp_path: Path) -> None:
    module = "module example.org/plugin\n\ngo 1.25.0\n"
    (tmp_path / "go.mod").write_text(module, encoding="utf-8")
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / "twice.go").write_text(
        "package numbers\n\nfunc Twice(n int64) int64 { return 2 * n }\n", encoding="utf-8"
    )
    main = MAIN.replace('"kuiper_nb/sdk"', '"example.org/plugin/numbers"\n\t"kuiper_nb/sdk"')
    (tmp_path / "main.go").write_text(main.replace("sdk.Of(twice)", "sdk.Of(numbers.Twice)"), encoding="utf-8")

    assert called(running(tmp_path), "twice", [4]) == ([8], {})
    assert (tmp_path / "go.mod").read_text(encoding="utf-8") == module


def test_a_name_that_go_gives_a_meaning_has_none(running: Callable[..., Kernel]) -> None:
    assert called(running(MAIN + TWICE, "one_windows_test"), "twice", [1]) == ([2], {})


@pytest.mark.parametrize(
    ("wrong", "line", "told"),
    [
        ("func twice(n int64) int64 { return 2 * m }", 16, "undefined: m"),
        ("func twice(n int64) int64 { return 2 * n", 17, "syntax error"),
        ("func twice(n int64) string { return n }", 16, "cannot use n"),
        ('import "strings"', 16, "syntax error: imports must appear before"),
    ],
)
def test_what_the_compiler_says_names_the_line_of_the_cell(wrong: str, line: int, told: str) -> None:
    with pytest.raises(PluginError) as error:
        build(f"{MAIN}\n{wrong}\n", "mirror")

    assert error.value.message.startswith(f"plugin mirror does not compile: mirror.go, line {line}: {told}")
    assert error.value.line == line
    assert f"mirror.go:{line}" in error.value.hint


def test_many_complaints_are_cut(tmp_path: Path) -> None:
    for number in range(5):
        lines = "\n".join(f"var x{number}_{n} = y{n}" for n in range(60))
        (tmp_path / f"f{number}.go").write_text(f"package main\n\n{lines}\n", encoding="utf-8")

    with pytest.raises(PluginError, match=r"f0.go, line 3: undefined: y0") as error:
        build(tmp_path, "mirror")

    assert len(error.value.hint.splitlines()) <= 21


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "mirror"),
        ("package mirror\n", "of package main"),
        ("package main\n", "function main is undeclared"),
        ("package main\n\nimport _ \"kuiper_nb/nothing\"\n\nfunc main() {}\n", "kuiper_nb/nothing"),
    ],
)  # fmt: skip
def test_what_is_no_program_is_refused(source: str, told: str) -> None:
    with pytest.raises(PluginError) as error:
        build(source, "mirror")

    assert told in str(error.value)


@pytest.mark.parametrize("name", ["", "../up", "a b", "one\npackage"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(PluginError, match="a plugin cannot be called"):
        build(MAIN + TWICE, name)


def test_where_a_module_cannot_be_fetched_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path))
    monkeypatch.setenv("GOPROXY", "off")

    with pytest.raises(PluginError, match="Go could not fetch a module") as error:
        build(f"{MAIN}{TWICE}// {time.time_ns()}\n", "mirror")

    assert error.value.hint.startswith("a first build needs the network")


def test_a_folder_without_go_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="there is no file of Go in"):
        build(tmp_path, "mirror")


def test_where_there_is_no_go_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(gobuild, "USUAL", ())

    with pytest.raises(PluginError, match="there is no Go on this machine") as error:
        build(MAIN + TWICE, "mirror")

    assert "https://go.dev/dl" in error.value.hint


def test_a_build_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gobuild, "DEADLINE", 0.01)

    with pytest.raises(PluginError, match=r"plugin mirror was not built within 0.01 s"):
        build(f"{MAIN}{TWICE}// {time.time_ns()}\n", "mirror")


def test_the_sdk_is_formatted_and_checked_as_go_does() -> None:
    go = Path(gobuild.toolchain("sdk"))

    for asked in ([go.with_name("gofmt"), "-l", "."], [go, "vet", "./..."]):
        answer = subprocess.run(asked, cwd=gobuild.SDK, capture_output=True, text=True, check=False)
        assert (answer.stdout, answer.stderr) == ("", "")


# ---- Go's own ways


def test_code_for_ekuipers_sdk_needs_other_imports_and_no_more(running: Callable[..., Kernel]) -> None:
    kernel = running("""\
package main

import (
    "fmt"
    "os"

    api "kuiper_nb/sdk"
    sdk "kuiper_nb/sdk"
)

type echo struct{}

func (f *echo) Validate(args []interface{}) error {
    if len(args) != 1 {
        return fmt.Errorf("echo takes 1 argument but got %d", len(args))
    }
    return nil
}

func (f *echo) Exec(args []interface{}, ctx api.FunctionContext) (interface{}, bool) {
    if args[0] == nil {
        return fmt.Errorf("nothing to echo"), false
    }
    ctx.GetLogger().Debugf("echo %v", args[0])
    return args[0], true
}

func (f *echo) IsAggregate() bool { return false }

func main() {
    sdk.Start(os.Args, &sdk.PluginConfig{
        Name:      "mirror",
        Functions: map[string]sdk.NewFunctionFunc{"echo": func() api.Function { return &echo{} }},
    })
}
""")

    assert called(kernel, "echo", ["a", None]) == (["a", None], {1: "call func echo error: nothing to echo"})
    assert kernel.validate("echo", []) == "echo takes 1 argument but got 0"


def test_what_gos_own_logs_are_told_are_lines_of_the_plugin() -> None:
    lines = Lines()
    kernel = program(build(PECULIAR, "peculiar"))(lines)
    kernel.ready(PATIENCE)

    called(kernel, "noisy", [7])
    kernel.close()

    assert {("INFO", "by log: 7"), ("WARNING", "by slog n=7")} <= {(line.origin, line.text) for line in lines.tail()}


def test_values_of_gos_types_are_answered(running: Callable[..., Kernel]) -> None:
    kernel = running(PECULIAR, "peculiar")

    assert called(kernel, "pointed", [1, None]) == ([1, "null"], {})
    assert called(kernel, "warm", [1.5]) == ([2.5], {})
    assert called(kernel, "where", [3]) == ([{"x": 3, "y": None}], {})
    assert called(kernel, "torn", [1]) == (["a�"], {})
    assert called(kernel, "joined", ["-"], [1], [2]) == (["-[1 2]"], {})


def test_what_does_not_fit_fails_alone_and_says_why(running: Callable[..., Kernel]) -> None:
    kernel = running(PECULIAR, "peculiar")

    assert called(kernel, "small", [255, 256, -1]) == (
        [255, None, None],
        {
            1: "call func small error: argument 1: 256 does not fit into uint8",
            2: "call func small error: argument 1: -1 does not fit into uint8",
        },
    )
    assert called(kernel, "warm", [None])[1] == {
        0: "call func warm error: argument 1: it is null, not main.celsius; a *main.celsius or any may be null"
    }


def test_an_answer_of_too_few_values_is_an_error_of_the_batch(running: Callable[..., Kernel]) -> None:
    kernel = running(PECULIAR, "peculiar")

    with pytest.raises(Exception, match="it answered 1 values for 3 rows"):
        called(kernel, "short", [1.0, 2.0, 3.0])


def test_an_answer_that_has_no_form_is_an_error_of_the_batch(running: Callable[..., Kernel]) -> None:
    kernel = running(PECULIAR, "peculiar")

    with pytest.raises(Exception, match="a chan int has no form in JSON"):
        called(kernel, "closed", [1])
    assert called(kernel, "small", [1]) == ([1], {})


def test_a_source_of_ekuipers_shape_sends_until_it_tells_of_an_error(running: Callable[..., Kernel]) -> None:
    kernel, inlet = running(PECULIAR, "peculiar"), Collected()

    control = Control("ticking", "source", "r1", "op", 0, "", {"interval": 1})
    kernel.start(control, inlet, PATIENCE)
    inlet.wait(lambda: bool(inlet.end))

    assert inlet.items == [{"n": n, "rule": "r1"} for n in range(3)]
    assert inlet.end == "three are enough"
    wait_for(kernel, [1, 0])
    kernel.stop(control, PATIENCE)
    assert called(kernel, "counts", rows=1) == ([[1, 0]], {})


def test_a_source_that_is_sending_when_it_is_stopped_can_end(running: Callable[..., Kernel]) -> None:
    kernel, inlet = running(PECULIAR, "peculiar"), Collected()
    control = Control("stubborn", "source", "r1", "op")

    kernel.start(control, inlet, PATIENCE)
    inlet.wait(lambda: len(inlet.payloads) == 16)
    kernel.stop(control, PATIENCE)

    wait_for(kernel, [0, 1])


def wait_for(kernel: Kernel, counts: list[int]) -> None:
    """Until so many sources have been closed, and have returned."""
    deadline = time.monotonic() + PATIENCE
    while called(kernel, "counts", rows=1)[0] != [counts]:
        assert time.monotonic() < deadline


def test_a_panic_is_an_error_of_what_panics(running: Callable[..., Kernel]) -> None:
    kernel, inlet = running(PECULIAR, "peculiar"), Collected()

    with pytest.raises(Exception, match="no interval") as declined:
        kernel.start(Control("ticking", "source", "r1", "op"), inlet, PATIENCE)
    kernel.start(Control("panicked", "source", "r1", "op"), inlet, PATIENCE)
    inlet.wait(lambda: bool(inlet.end))

    line = 1 + PECULIAR.splitlines().index('        panic("no interval")')
    assert declined.value.where == f"peculiar.go:{line}"
    assert inlet.end == "no more"


def test_a_panic_in_a_goroutine_of_its_own_ends_the_process_and_its_lines_say_where() -> None:
    lines = Lines()
    kernel = program(build(PECULIAR, "peculiar"))(lines)
    kernel.ready(PATIENCE)

    with pytest.raises(Lost, match="exit code 2"):
        called(kernel, "started", [1])
    kernel.close()

    line = 1 + PECULIAR.splitlines().index('        nothing["a"] = 1')
    assert f"peculiar.go:{line}" in lines.text


def test_one_started_by_hand_waits_for_another_host_when_its_host_is_gone() -> None:
    process = subprocess.Popen(
        [build(MAIN + TWICE, "one")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None

    for number in range(2):
        path = Path(process.stdout.readline().rpartition("attach ")[2].strip())
        host = Kernel(Connection.read(path), Lines())
        host.listen()
        host.ready(PATIENCE)
        assert called(host, "twice", [number]) == ([2 * number], {})
        host.close()

    os.kill(process.pid, signal.SIGTERM)
    process.wait(PATIENCE)
    process.stdout.close()


def test_a_connection_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "connection.json"
    Connection.made(tmp_path).write(path)
    path.chmod(0o644)

    command = [build(MAIN + TWICE, "one"), path]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert ended.returncode == 1
    assert ended.stderr == f"plugin one: {path} can be read by others, so its key is not secret: chmod 600 {path}\n"
