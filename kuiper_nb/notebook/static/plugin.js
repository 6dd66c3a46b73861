// One plugin as a card: how it does, what it serves, what it says; with buttons that never wait.

const FACTS = [["pid", "pid"], ["up", "up"], ["generation", "generation"], ["restarts", "restarts"], ["calls", "calls"],
  ["rows", "rows"], ["rate", "rows/s"], ["took", "p50 / p99 ms"], ["memory", "memory"]];

function render({ model, el }) {
  const root = placed(el, { class: "kn-view kn-plugin", "aria-label": "kuiper plugin" });
  const name = make("strong", { class: "kn-id" });
  const place = make("span");
  const about = make("span", { class: "kn-facts" });
  const note = make("div", { class: "kn-note", role: "status", "aria-live": "polite" });
  const figures = make("div", { class: "kn-figures" });
  const values = new Map(FACTS.map(([key, label]) => {
    const value = make("div", { class: "kn-figure-value", "data-fact": key });
    figures.append(make("div", { class: "kn-figure" }, make("div", { class: "kn-figure-name", text: label }), value));
    return [key, value];
  }));
  const served = make("div");
  const logs = make("div", { class: "kn-panel", hidden: true });
  let line = null;
  let pending = "";
  let answer = null;
  let shown = null;
  let logsOpen = true;

  function command(action) {
    pending = action;
    answer = { text: `${action} …`, tone: "quiet" };
    update();
    line.ask({ action, kind: "plugin", name: shown.head.name }, (told) => {
      if (told.waiting) answer = { text: `${action}: the kernel is busy, it will be done after the cell`, tone: "quiet" };
      else [pending, answer] = ["", told.failed ? { text: told.failed, tone: "bad" } : null];
      update();
    });
  }

  const button = (action) => make("button", { class: "kn-button", type: "button", "data-action": action, text: action,
    "aria-label": `${action} plugin`, on: { click: () => command(action) } });
  const buttons = new Map(["start", "restart", "stop"].map((action) => [action, button(action)]));
  const toggle = make("button", { class: "kn-button", type: "button", "data-action": "logs", text: "logs",
    on: { click: () => { logsOpen = !logsOpen; update(); } } });

  function worth(key, { head, facts }) {
    if (key === "up") return head.started ? lasting(Date.now() - head.started) : "";
    if (key === "took") return facts.took ? `${facts.took[0]} / ${facts.took[1]}` : "";
    if (key === "rate") return brief(facts.rate);
    if (key === "memory") return facts.memory ? `${counted(facts.memory)} MB` : "";
    return key === "pid" ? String(facts.pid || "") : counted(facts[key]);
  }

  function tables({ serves, refs }) {
    const rows = serves.map((row) => [row.serves, row.name, row.help, row["used by"]]);
    const parts = rows.length ? [plainTable(["serves", "name", "help", "used by"], rows, "what it serves")] : [];
    if (refs.length) parts.push(make("div", { class: "kn-dim", text: `running in it: ${refs.map(([rule, n]) => `${n} of ${rule}`).join(", ")}` }));
    return parts;
  }

  let drawn = "";
  function update() {
    if (!shown) return;
    const { head } = shown;
    say(name, head.name);
    name.title = head.name;
    place.replaceChildren(stateOf(head.state, ""));
    say(about, [head.language, head.version].filter(Boolean).join(" "));
    const text = answer ? answer.text : head.last_error || "";
    say(note, text);
    note.classList.toggle("kn-dim", Boolean(answer && answer.tone === "quiet"));
    const there = Boolean(shown.facts);
    const busy = ["running", "initializing"].includes(head.state);
    buttons.get("start").disabled = !there || Boolean(pending) || busy || head.state === "quarantined";
    buttons.get("restart").disabled = !there || Boolean(pending);
    buttons.get("stop").disabled = !there || Boolean(pending) || head.state === "stop";
    toggle.setAttribute("aria-expanded", logsOpen ? "true" : "false");
    logs.hidden = !logsOpen || !there;
    if (!there) return;
    for (const [key] of FACTS) {
      say(values.get(key), worth(key, shown));
      values.get(key).parentNode.hidden = !worth(key, shown);
    }
    const now = JSON.stringify([shown.serves, shown.refs, shown.lines, shown.earlier]);
    if (now === drawn) return;
    drawn = now;
    served.replaceChildren(...tables(shown));
    const before = shown.earlier ? `, after ${counted(shown.earlier)} earlier lines` : "";
    const old = logs.querySelector(".kn-log");
    const atEnd = !old || old.scrollTop + old.clientHeight >= old.scrollHeight - 4;
    const log = logLines(shown.lines, "log of the plugin");
    const top = old ? old.scrollTop : 0;
    logs.replaceChildren(make("div", { class: "kn-dim", text: `its newest lines${before}` }), log);
    log.scrollTop = atEnd ? log.scrollHeight : top;
  }

  function drawFrame(frame) {
    if (!frame.head) return;
    shown = frame;
    update();
  }

  line = link(model, root, drawFrame);
  const timer = setInterval(() => shown && shown.facts && say(values.get("up"), worth("up", shown)), 1000);
  root.append(
    make("header", { class: "kn-head" }, make("span", { class: "kn-dim", text: "plugin" }), name, place, about,
      make("span", { class: "kn-push" }), make("span", { class: "kn-actions" }, ...buttons.values(), toggle)),
    line.alert, note, make("div", { class: "kn-bar-of" }, figures), served, logs);
  return () => {
    clearInterval(timer);
    line.end();
  };
}

export default { render };
