// Everything in a session: a row each, with what it can be asked to do.

const COLUMNS = [["kind", ""], ["name", ""], ["state", ""], ["in", "r"], ["out", "r"], ["rate", "r"], ["late", "r"],
  ["failed", "r"], ["p50 / p99 ms", "r"], ["up", "r"], ["gen.", "r"], ["", ""]];

const ICONS = {
  start: ["M4.5 3l8.5 5-8.5 5z", true], stop: ["M4 4h8v8H4z", true], restart: ["M13 8a5 5 0 1 1-1.5-3.6M12 1.2v3.4H8.6", false],
  reload: ["M13 8a5 5 0 1 1-1.5-3.6M12 1.2v3.4H8.6", false],
  drop: ["M4 4l8 8M12 4l-8 8", false], logs: ["M3 4h10M3 8h10M3 12h6", false],
};

function icon(action) {
  const [d, full] = ICONS[action] || ["", false];
  return d ? draw("svg", { class: full ? "kn-full" : "kn-thin", width: 14, height: 14, viewBox: "0 0 16 16", "aria-hidden": "true" },
    draw("path", { d })) : make("span", { text: action });
}

function sparkline(points, label) {
  const [wide, high] = [64, 18];
  const most = Math.max(...points, 0) || 1;
  const step = wide / 59;
  const start = wide - (points.length - 1) * step;
  const d = points.map((n, i) => `${i ? "L" : "M"}${(start + i * step).toFixed(1)} ${(high - 2 - (n / most) * (high - 4)).toFixed(1)}`).join("");
  return draw("svg", { class: "kn-spark", width: wide, height: high, role: "img", "aria-label": label },
    points.length > 1 ? draw("path", { class: "kn-line kn-tone0", d }) : null);
}

function render({ model, el }) {
  const root = placed(el, { class: "kn-view kn-status", "aria-label": "kuiper status" });
  const title = make("span", { class: "kn-facts" });
  const head = make("tr", {}, ...COLUMNS.map(([text, side]) => make("th", { scope: "col", text, class: side ? "kn-right" : "",
    ...(text ? {} : { "aria-label": "actions" }) })));
  const body = make("tbody");
  const more = make("div", { class: "kn-dim", hidden: true });
  const logs = make("div", { class: "kn-panel", hidden: true });
  const rows = new Map();
  let logsOf = null;
  let line = null;

  const open = (item) => logsOf !== null && logsOf.kind === item.kind && logsOf.name === item.name;

  function openLogs({ kind, name }) {
    logsOf = open({ kind, name }) ? null : { kind, name };
    line.send({ choose: logsOf ? { logs_of: name, logs_kind: kind } : { logs_of: "" } });
  }

  /** What cannot be undone is asked for twice. */
  function pressedFor(row, action, button) {
    if (action !== "drop" || button.classList.contains("kn-sure")) return command(row, action);
    button.classList.add("kn-sure");
    button.replaceChildren(make("span", { text: "drop?" }));
    return setTimeout(() => {
      button.classList.remove("kn-sure");
      button.replaceChildren(icon(action));
    }, 4000);
  }

  function command(row, action) {
    const { kind, name } = row.item;
    if (action === "logs") return openLogs(row.item);
    row.pending = action;
    tell(row, `${action} …`, "quiet");
    line.ask({ action, kind, name }, (answer) => {
      if (answer.waiting) return tell(row, `${action}: the kernel is busy, it will be done after the cell`, "quiet");
      row.pending = "";
      tell(row, answer.failed || "", answer.failed ? "bad" : "quiet");
      return update(row);
    });
    return update(row);
  }

  function tell(row, text, tone) {
    row.answer = text ? { text, tone } : null;
  }

  function created(item) {
    const row = { item, pending: "", answer: null, buttons: new Map() };
    row.cells = COLUMNS.map(([, side]) => make("td", { class: side ? "kn-right" : "" }));
    row.place = make("tr", { class: `kn-kind-${item.kind}` }, ...row.cells);
    row.below = make("tr", { class: "kn-below", hidden: true }, make("td", { colSpan: COLUMNS.length }));
    const actions = make("span", { class: "kn-actions" });
    row.cells[11].append(actions);
    row.actions = actions;
    return row;
  }

  function buttons(row) {
    const { item } = row;
    for (const [action, button] of row.buttons) if (!item.actions.includes(action)) { button.remove(); row.buttons.delete(action); }
    for (const action of item.actions) {
      if (!row.buttons.has(action)) {
        const button = make("button", { class: "kn-button kn-icon", type: "button", title: action, "data-action": action,
          "aria-label": `${action} ${item.kind} ${item.name}`, on: { click: () => pressedFor(row, action, button) } }, icon(action));
        row.buttons.set(action, button);
        row.actions.append(button);
      }
      const running = ["running", "starting", "initializing"].includes(item.state);
      const idle = item.kind === "plugin" ? item.state === "stop" : !running;
      const senseless = (action === "start" && (running || item.state === "quarantined")) || (action === "stop" && idle);
      row.buttons.get(action).disabled = Boolean(row.pending) || senseless;
      if (action === "logs") row.buttons.get(action).setAttribute("aria-expanded", open(item) ? "true" : "false");
    }
  }

  function update(row) {
    const { item, cells } = row;
    say(cells[0], item.kind);
    const beside = (text) => (text ? [make("span", { class: "kn-detail", text, title: text })] : []);
    cells[1].replaceChildren(make("strong", { class: "kn-id", text: item.name, title: item.name }), ...beside(item.detail));
    cells[2].replaceChildren(stateOf(item.state, ""), ...beside(item.state === "stopped by error" ? "" : item.message));
    say(cells[3], counted(item.rows_in));
    say(cells[4], counted(item.rows_out));
    const rate = item.rate === null || item.rate === undefined ? "" : `${brief(item.rate)}/s`;
    cells[5].replaceChildren(make("span", { class: "kn-rate", text: rate }), ...(item.spark && item.spark.length > 1
      ? [sparkline(item.spark, `rows a second in the last minute, newest ${rate}`)] : []));
    say(cells[6], counted(item.late));
    say(cells[7], counted(item.errors));
    cells[6].classList.toggle("kn-warn", item.late > 0);
    cells[7].classList.toggle("kn-bad", item.errors > 0);
    say(cells[8], item.took ? `${item.took[0]} / ${item.took[1]}` : "");
    say(cells[9], item.started ? lasting(Date.now() - item.started) : "");
    say(cells[10], item.generation === null ? "" : String(item.generation));
    buttons(row);
    const text = row.answer ? row.answer.text : item.last_error || "";
    row.below.hidden = !text;
    const cell = row.below.firstChild;
    say(cell, text);
    cell.title = text;
    cell.className = row.answer && row.answer.tone === "quiet" ? "kn-dim" : "kn-bad";
  }

  function drawFrame(frame) {
    if (!frame.rows) return;
    const { head: facts } = frame;
    say(title, `${facts.mode === "live" ? "live" : facts.mode} · ${counted(facts.running)} of ${counted(facts.rules)} `
      + `${facts.rules === 1 ? "rule" : "rules"} running · ${counted(facts.memory)} MB of memory`);
    const there = new Set();
    let after = null;
    for (const item of frame.rows) {
      const key = JSON.stringify([item.kind, item.name]);
      there.add(key);
      if (!rows.has(key)) rows.set(key, created(item));
      const row = rows.get(key);
      row.item = item;
      update(row);
      const wanted = after ? after.nextSibling : body.firstChild;
      if (wanted !== row.place) body.insertBefore(row.place, wanted);
      if (row.place.nextSibling !== row.below) body.insertBefore(row.below, row.place.nextSibling);
      after = row.below;
    }
    for (const [key, row] of rows) if (!there.has(key)) { row.place.remove(); row.below.remove(); rows.delete(key); }
    empty.hidden = frame.rows.length > 0;
    more.hidden = !frame.more;
    say(more, frame.more ? `and ${counted(frame.more)} more` : "");
    logs.hidden = !frame.logs;
    const whose = frame.logs ? `log of ${frame.logs.kind} ${frame.logs.name}` : "";
    if (frame.logs) logs.replaceChildren(make("div", { class: "kn-dim", text: whose }), logLines(frame.logs.lines, whose));
  }

  /** Up and down go to the same button of the next row that has one. */
  function move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const action = event.target.dataset ? event.target.dataset.action : undefined;
    if (!step || !action) return;
    const all = [...body.querySelectorAll("button:not(:disabled)")].filter((b) => b.dataset.action === action);
    const next = all[all.indexOf(event.target) + step];
    if (next) next.focus();
    event.preventDefault();
  }

  const empty = make("div", { class: "kn-empty", text: "nothing is defined yet; %%kuiper NAME with a SELECT makes a rule" });
  line = link(model, root, drawFrame);
  const timer = setInterval(() => {
    for (const row of rows.values()) say(row.cells[9], row.item.started ? lasting(Date.now() - row.item.started) : "");
  }, 1000);
  body.addEventListener("keydown", move);
  root.append(
    make("header", { class: "kn-head" }, make("strong", { text: "Kuiper" }), title), line.alert,
    make("div", { class: "kn-scroll", tabIndex: 0, role: "region", "aria-label": "rules and definitions" },
      make("table", { class: "kn-table" }, make("thead", {}, head), body)),
    empty, more, logs);
  return () => {
    clearInterval(timer);
    line.end();
  };
}

export default { render };
