// Parts of a page. Whatever comes from users is set as text, never as html.

const SVG = "http://www.w3.org/2000/svg";

function put(node, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === "text") node.textContent = value;
    else if (name === "class") node.setAttribute("class", value);
    else if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name in node && !name.startsWith("aria") && node.namespaceURI !== SVG) node[name] = value;
    else node.setAttribute(name, value);
  }
  for (const child of children || []) if (child) node.append(child);
  return node;
}

const make = (tag, properties, ...children) => put(document.createElement(tag), properties, children);
const draw = (tag, properties, ...children) => put(document.createElementNS(SVG, tag), properties, children);

/** Set the text of a node only when it is another one, so that nothing is laid out in vain. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const counted = (n) => (n === null || n === undefined ? "" : Number(n).toLocaleString("en-US"));

function brief(n) {
  if (n === null || n === undefined) return "";
  const size = Math.abs(n);
  if (size >= 1e9) return `${(n / 1e9).toFixed(1)} G`;
  if (size >= 1e6) return `${(n / 1e6).toFixed(1)} M`;
  if (size >= 1e4) return `${(n / 1e3).toFixed(1)} k`;
  return size >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString("en-US") : n.toFixed(1);
}

function lasting(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

const TONES = {
  running: "good", starting: "good", "in use": "quiet", defined: "quiet", stopping: "quiet", stopped: "quiet",
  "stopped by error": "bad", initializing: "warn", error: "bad", stop: "quiet", quarantined: "bad",
};

/** A state, in colour and in a word. */
function stateOf(word, note) {
  const tone = note ? "bad" : TONES[word] || "quiet";
  return make("span", { class: `kn-state kn-${tone}` },
    make("span", { class: "kn-dot", "aria-hidden": "true" }), make("span", { text: word }));
}

/** The part of a page that is ours. Around it a frame has the text colour of the page, which is asked for its shade. */
function placed(el, properties) {
  const root = make("section", { "data-lm-suppress-shortcuts": "true", ...properties });
  el.append(make("div", { class: "kn-page" }, root));
  holdPressed(root);
  return root;
}

/** A table that grows moves what stands below it. A button that is pressed is the one that is meant, even if it is no
 * longer under the pointer when that is let go; who moves the pointer away has thought better of it. */
function holdPressed(root) {
  root.addEventListener("pointerdown", (event) => {
    const button = event.target.closest("button");
    if (!button || event.button !== 0) return;
    const { pointerId, clientX, clientY } = event;
    const away = (moved) => {
      if (Math.hypot(moved.clientX - clientX, moved.clientY - clientY) > 16) button.releasePointerCapture(pointerId);
    };
    button.setPointerCapture(pointerId);
    button.addEventListener("pointermove", away);
    button.addEventListener("lostpointercapture", () => button.removeEventListener("pointermove", away), { once: true });
  });
}

/** Dark where the page is: where its text is light, which is true whatever else tells its theme. */
function shade(root) {
  const colour = getComputedStyle(root.parentElement).outlineColor;
  const parts = (colour.match(/[\d.]+(e-?\d+)?/g) || []).map(Number);
  if (parts.length < 3) return; // not in a page yet
  const [red, green, blue] = colour.startsWith("rgb") ? parts.map((part) => part / 255) : parts;
  root.classList.toggle("kn-dark", 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5);
}

/** Whether somebody is in it; a page may have put the view into a shadow tree. */
const focused = (node) => node.getRootNode().activeElement === node;

function pressed(button, on) {
  button.setAttribute("aria-pressed", on ? "true" : "false");
}

/** A table of texts below a view: errors, late rows. */
function plainTable(names, rows, label) {
  const head = make("tr", {}, ...names.map((name) => make("th", { scope: "col", text: name })));
  const body = rows.map((row) => make("tr", {}, ...row.map((text) => make("td", { text, title: text }))));
  return make("div", { class: "kn-scroll", tabIndex: 0, role: "region", "aria-label": label },
    make("table", { class: "kn-table kn-plain" }, make("thead", {}, head), make("tbody", {}, ...body)));
}

function logLines(lines, label) {
  const text = lines.length ? lines.join("\n") : "nothing has been logged yet";
  return make("pre", { class: "kn-log", tabIndex: 0, role: "log", "aria-label": label, text });
}
