// The line to the kernel: every frame is acknowledged when it has been drawn, and silence is noticed and said.

const STALE_AFTER = 6000;

function link(model, root, drawFrame) {
  let frame = null;
  let spoken = false;
  let heard = Date.now();
  let asked = Date.now();
  let patience = 3000;
  let lost = "";
  let next = 1;
  let waiting = null;
  const pending = new Map();
  const alert = make("div", { class: "kn-alert", role: "status", "aria-live": "polite", hidden: true });
  const kernel = () => (model.widget_manager ? model.widget_manager.kernel : undefined);

  function send(message) {
    try {
      model.send(message);
    } catch (error) {
      lost = lost || "gone";
    }
  }

  function hello() {
    asked = Date.now();
    send({ hello: true, standing: standing(model) });
  }

  /** Draw when the page is being looked at; a page that is not draws nothing and acknowledges nothing. */
  function show() {
    waiting = null;
    try {
      if (frame) drawFrame(frame);
    } finally {
      send({ shown: number });
    }
  }

  let number = 0;
  function receive(message) {
    if (message && message.placed) place(model, message.placed);
    if (!message || typeof message.number !== "number") return;
    [heard, lost, patience, number, spoken] = [Date.now(), "", 3000, message.number, true];
    for (const answer of message.answers || []) {
      const then = pending.get(answer.request);
      pending.delete(answer.request);
      if (then) then(answer);
    }
    if (Object.keys(message).length > 1) frame = message;
    if (waiting === null) waiting = requestAnimationFrame(show);
    pulse();
  }

  function ask(message, then) {
    const request = next++;
    const late = setTimeout(() => pending.has(request) && then({ waiting: true }), 1000);
    pending.set(request, (answer) => {
      clearTimeout(late);
      then(answer);
    });
    send({ ...message, request });
  }

  function trouble() {
    const state = kernel() ? kernel().status : "";
    const manager = model.widget_manager;
    if (manager && "kernel" in manager && !manager.kernel) lost = "gone";
    else if (state === "restarting" || state === "autorestarting") lost = "restarted";
    else if (state === "dead" || state === "terminating") lost = "gone";
    const silent = Date.now() - heard;
    if (lost === "restarted") return "The kernel was restarted: what you see is from before. Run the cell again.";
    if (lost === "gone") return "The kernel is gone: what you see is from before.";
    if (silent < STALE_AFTER) return "";
    if (!spoken && frame && state !== "busy") {
      return "Nothing comes from the kernel: what you see is from when the cell ran. Run it again to refresh.";
    }
    const why = state === "busy" ? "; the kernel is busy" : "";
    return `No data for ${lasting(silent)}${why}.`;
  }

  function pulse() {
    const text = trouble();
    root.classList.toggle("kn-stale", Boolean(text));
    alert.hidden = !text;
    say(alert, text);
    shade(root);
    const silent = Date.now() - Math.max(heard, asked);
    if (!lost && !document.hidden && silent > patience) {
      patience = Math.min(patience * 2, 30000);
      hello();
    }
  }

  function unlinked() {
    const state = kernel() ? kernel().status : "dead";
    lost = state === "dead" ? "gone" : "restarted";
    pulse();
  }

  function visible() {
    if (!document.hidden) hello();
  }

  model.on("msg:custom", receive);
  model.on("comm_live_update", unlinked);
  document.addEventListener("visibilitychange", visible);
  const timer = setInterval(pulse, 1000);
  const last = model.get("last");
  if (last && last.head) {
    frame = last;
    drawFrame(frame);
  }
  hello();
  const first = requestAnimationFrame(pulse);
  return {
    alert,
    send,
    ask,
    end() {
      clearInterval(timer);
      cancelAnimationFrame(first);
      if (frame) model.set("last", frame); // a view that is made again begins where this one was
      if (waiting !== null) cancelAnimationFrame(waiting);
      document.removeEventListener("visibilitychange", visible);
      model.off("msg:custom", receive);
      model.off("comm_live_update", unlinked);
      root.parentElement.remove();
    },
  };
}

/** Rows a second over the last seconds, from counts that come now and then. */
function meter(seconds = 5) {
  const seen = [];
  return (count) => {
    const now = Date.now();
    if (seen.length && count < seen[seen.length - 1].count) seen.length = 0;
    seen.push({ now, count });
    while (seen.length > 2 && now - seen[1].now > seconds * 1000) seen.shift();
    const span = (now - seen[0].now) / 1000;
    return span < 0.2 ? null : (count - seen[0].count) / span;
  };
}
