// One rule: its figures, its newest rows as a table and as a chart, what failed.

const MODES = [["append", "Append", "the newest rows"], ["update", "Update", "the newest row of every key"],
  ["single", "Single", "the newest row alone"]];
const PANELS = [["errors", "failed"], ["late", "late"], ["logs", "log"]];

/** Rows in a table; a row that has a key keeps its place in the page, and cells that change are marked. */
function grid() {
  const head = make("tr");
  const body = make("tbody");
  const place = make("table", { class: "kn-table" }, make("thead", {}, head), body);
  let names = [];
  let before = new Map();

  function heading(table) {
    const wanted = [...table.names, ...(table.more ? [`+ ${table.more}`] : [])];
    if (wanted.length === names.length && wanted.every((name, i) => name === names[i])) return;
    names = wanted;
    before = new Map();
    head.replaceChildren(...names.map((name, i) => make("th", { scope: "col", text: name, title: name,
      class: table.right[i] ? "kn-right" : "" })));
  }

  function fill(row, texts, table, old) {
    while (row.children.length > names.length) row.lastChild.remove();
    while (row.children.length < names.length) row.append(make("td"));
    names.forEach((_, i) => {
      const cell = row.children[i];
      const text = i < texts.length ? texts[i] : "";
      const changed = old !== undefined && i < texts.length && old[i] !== text;
      if (text === null) say(cell, "");
      else if (cell.textContent !== text) cell.textContent = text;
      cell.className = [table.right[i] ? "kn-right" : "", text === "null" ? "kn-dim" : ""].join(" ").trim();
      cell.title = text === null ? "" : text;
      if (changed) {
        void cell.offsetWidth; // so that the mark begins anew
        cell.classList.add("kn-changed");
      }
    });
  }

  function show(table, marked) {
    heading(table);
    const now = new Map();
    while (body.children.length > table.rows.length) body.lastChild.remove();
    while (body.children.length < table.rows.length) body.append(make("tr"));
    table.rows.forEach((texts, i) => {
      const key = table.keys[i];
      fill(body.children[i], texts, table, marked ? before.get(key) : undefined);
      now.set(key, texts);
    });
    before = now;
  }
  return { place, show };
}

/** The newest row alone: every column as a figure. */
function figures() {
  const place = make("div", { class: "kn-figures" });
  let before = new Map();
  function show(table) {
    const texts = table.rows[0] || [];
    place.replaceChildren(...table.names.map((name, i) => {
      const text = texts[i] === null || texts[i] === undefined ? "" : texts[i];
      const changed = before.size && before.get(name) !== text;
      return make("div", { class: "kn-figure" }, make("div", { class: "kn-figure-name", text: name, title: name }),
        make("div", { text, title: text, class: changed ? "kn-figure-value kn-changed" : "kn-figure-value" }));
    }));
    before = new Map(table.names.map((name, i) => [name, texts[i] === null ? "" : texts[i]]));
  }
  return { place, show };
}

function choiceBox(label, change) {
  const select = make("select", { "aria-label": label, on: { change: () => change(select.value) } });
  let options = "";
  return {
    place: make("label", { class: "kn-choice" }, make("span", { text: label }), select),
    show(values, chosen) {
      const wanted = JSON.stringify(values);
      if (wanted !== options && !focused(select)) {
        select.replaceChildren(...values.map(([value, text]) => make("option", { value, text })));
        options = wanted;
      }
      if (!focused(select) || select.value === "") select.value = chosen;
    },
  };
}

function pages(choose) {
  let table = null;
  const move = (pages) => {
    if (!table) return;
    const size = 20;
    const first = Math.max(table.oldest, table.first + pages * size);
    choose({ first: first + size >= table.end ? null : first });
  };
  const button = (text, label, act) => make("button", { class: "kn-button", type: "button", text, "aria-label": label,
    title: label, on: { click: act } });
  const oldest = button("«", "oldest rows", () => table && choose({ first: table.oldest }));
  const older = button("‹", "older rows", () => move(-1));
  const newer = button("›", "newer rows", () => move(1));
  const newest = button("»", "newest rows", () => choose({ first: null }));
  const where = make("span", { class: "kn-dim kn-where" });
  return {
    place: make("span", { class: "kn-pages", role: "group", "aria-label": "pages" }, oldest, older, where, newer, newest),
    show(given, choices) {
      table = given;
      const there = given.rows.length; // the newest on top, where it is seen first
      say(where, there ? `${counted(given.first + 1)}–${counted(given.first + there)} of ${counted(given.end)}, newest first` : "no rows yet");
      oldest.disabled = older.disabled = given.first <= given.oldest;
      newer.disabled = newest.disabled = choices.first === null;
    },
  };
}

function chartControls(choose) {
  const columns = make("span", { class: "kn-columns", role: "group", "aria-label": "columns of the chart" });
  const by = choiceBox("by", (value) => choose({ by: value }));
  const x = choiceBox("over", (value) => choose({ x: value }));
  let names = "";
  return {
    place: make("div", { class: "kn-bar-of" }, columns, by.place, x.place),
    show(frame) {
      const { all, numeric } = frame.columns;
      const chosen = frame.choices.columns;
      const wanted = JSON.stringify(numeric);
      if (wanted !== names) {
        names = wanted;
        columns.replaceChildren(...numeric.slice(0, 24).map((name) => make("button", { class: "kn-button kn-chip",
          type: "button", text: name, title: name, "aria-pressed": "false", on: { click: (event) => {
            const on = event.currentTarget.getAttribute("aria-pressed") !== "true";
            const others = [...columns.children].filter((b) => b.getAttribute("aria-pressed") === "true" && b !== event.currentTarget);
            pressed(event.currentTarget, on);
            choose({ columns: [...others.map((b) => b.textContent), ...(on ? [name] : [])] });
          } } })));
      }
      for (const chip of columns.children) pressed(chip, chosen.includes(chip.textContent));
      by.show([["", "nothing"], ...all.map((name) => [name, name])], frame.choices.by);
      x.show([["", "time sent"], ...numeric.map((name) => [name, name])], frame.choices.x);
    },
  };
}

function render({ model, el }) {
  const root = placed(el, { class: "kn-view kn-result" });
  let line = null;
  let frame = null;
  const choose = (choices) => line.send({ choose: choices });
  const rateIn = meter();
  const rateOut = meter();

  const state = make("span", { class: "kn-state" });
  const name = make("strong", { class: "kn-id" });
  const facts = make("span", { class: "kn-facts" });
  const note = make("span", { class: "kn-note", role: "status" });
  const panels = PANELS.map(([which, word]) => make("button", { class: "kn-button kn-count", type: "button",
    "aria-expanded": "false", "data-panel": which, "data-word": word,
    on: { click: () => choose({ panel: frame && frame.choices.panel === which ? "" : which }) } }));
  const freeze = make("button", { class: "kn-button", type: "button", text: "Freeze", "aria-pressed": "false",
    title: "hold the table and the chart still; the rule runs on",
    on: { click: () => choose({ frozen: !(frame && frame.choices.frozen) }) } });
  const chartKinds = [["line", "Line"], ["bar", "Bars"]].map(([kind, text]) => make("button", { class: "kn-button",
    type: "button", text, "aria-pressed": "false", "data-chart": kind,
    on: { click: () => choose({ chart: frame && frame.choices.chart === kind ? "" : kind }) } }));
  const stop = make("button", { class: "kn-button", type: "button", text: "Stop",
    on: { click: () => line.ask({ action: frame && frame.head.state === "running" ? "stop" : "start", kind: "rule",
      name: frame.head.id }, (answer) => say(note, answer.failed || (answer.waiting ? "waiting for the kernel" : ""))) } });
  const modes = MODES.map(([mode, text, title]) => make("button", { class: "kn-button", type: "button", text, title,
    "aria-pressed": "false", "data-mode": mode, on: { click: () => choose({ mode }) } }));
  const key = choiceBox("key", (value) => choose({ keys: value ? [value] : [] }));
  const paging = pages(choose);
  const table = grid();
  const single = figures();
  const scroll = make("div", { class: "kn-scroll", tabIndex: 0, role: "region" }, table.place);
  const chart = chartView();
  const controls = chartControls(choose);
  const drawing = make("div", { class: "kn-drawing", hidden: true }, controls.place, chart.place);
  const panel = make("div", { class: "kn-panel", hidden: true });
  const empty = make("div", { class: "kn-empty", text: "no rows yet" });

  function heading(head) {
    state.replaceChildren(stateOf(head.state, head.note));
    say(name, head.id);
    root.setAttribute("aria-label", `rule ${head.id}`);
    const [perIn, perOut] = [rateIn(head.rows_in), rateOut(head.rows_out)];
    const running = head.state === "running";
    const rate = (n) => (running && n !== null && n > 0 ? ` (${brief(n)}/s)` : "");
    const took = head.took ? ` · step ${head.took[0]} ms, p99 ${head.took[1]} ms` : "";
    say(facts, `${counted(head.rows_in)} in${rate(perIn)} · ${counted(head.rows_out)} out${rate(perOut)}${took}`);
    facts.title = head.headline;
    if (head.note) say(note, `this rule was ${head.note}`);
    else if (head.state === "stopped by error") say(note, head.headline);
    else if (note.textContent.startsWith("this rule was") || note.textContent === head.headline) say(note, "");
    say(stop, running ? "Stop" : "Start");
    stop.disabled = Boolean(head.note);
    for (const button of panels) {
      const which = button.dataset.panel;
      const open = frame.choices.panel === which;
      const count = which === "logs" ? null : head[which];
      say(button, count === null ? "log" : `${counted(count)} ${button.dataset.word}`);
      button.hidden = which === "logs" ? !head.logs : false;
      button.disabled = which !== "logs" && !count && !open;
      button.classList.toggle("kn-bad", which === "errors" && count > 0);
      button.classList.toggle("kn-warn", which === "late" && count > 0);
      button.setAttribute("aria-expanded", open ? "true" : "false");
    }
  }

  function content() {
    const { choices } = frame;
    pressed(freeze, choices.frozen);
    say(freeze, choices.frozen ? "Frozen" : "Freeze");
    root.classList.toggle("kn-frozen", choices.frozen);
    for (const button of modes) pressed(button, button.dataset.mode === choices.mode);
    for (const button of chartKinds) pressed(button, button.dataset.chart === choices.chart);
    key.place.hidden = choices.mode !== "update";
    paging.place.hidden = choices.mode !== "append";
    const natural = frame.head.keys.length ? frame.head.keys.join(", ") : "nothing";
    key.show([["", natural], ...frame.columns.all.map((n) => [n, n])], choices.keys[0] || "");
    const there = frame.table.rows.length > 0;
    empty.hidden = there;
    scroll.hidden = !there;
    scroll.replaceChildren(choices.mode === "single" ? single.place : table.place);
    scroll.setAttribute("aria-label", `rows of rule ${frame.head.id}`);
    if (choices.mode === "single") single.show(frame.table);
    else table.show(frame.table, choices.mode === "update");
    if (choices.mode === "append") paging.show(frame.table, choices);
    drawing.hidden = !choices.chart;
    if (choices.chart) {
      controls.show(frame);
      if (frame.chart) chart.show(frame.chart, choices.chart);
    }
  }

  function below() {
    const open = frame.panel;
    panel.hidden = !open;
    if (!open) return;
    const label = `${open.kind} of rule ${frame.head.id}`;
    panel.replaceChildren(open.kind === "logs" ? logLines(open.lines, label)
      : open.rows.length ? plainTable(open.names, open.rows, label) : make("div", { class: "kn-empty", text: "none" }));
  }

  function drawFrame(given) {
    if (given.too_large) {
      say(note, "a row is too large to be shown; .df() has it");
      return;
    }
    if (!given.choices) return;
    frame = given;
    heading(frame.head);
    content();
    below();
  }

  line = link(model, root, drawFrame);
  root.append(
    make("header", { class: "kn-head" }, state, name, facts, make("span", { class: "kn-push" }), ...panels, stop),
    line.alert, note,
    make("div", { class: "kn-bar-of", role: "toolbar", "aria-label": "how rows are shown" },
      make("span", { class: "kn-group", role: "group", "aria-label": "table" }, ...modes), key.place,
      make("span", { class: "kn-group", role: "group", "aria-label": "chart" }, ...chartKinds), freeze,
      make("span", { class: "kn-push" }), paging.place),
    panel, drawing, empty, scroll);
  return () => {
    line.end();
    chart.end();
  };
}

export default { render };
