// A chart: lines or bars over time (or over a column), in svg.

const HEIGHT = 220;
const EDGE = { left: 56, right: 14, top: 10, bottom: 24 };

function niceSteps(low, high, most) {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const steps = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-6; at += step) steps.push(at);
  return steps;
}

const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 604800];

function timeSteps(low, high, most) {
  const rough = (high - low) / 1000 / most;
  const step = (TIMES.find((size) => size >= rough) || TIMES[TIMES.length - 1]) * 1000;
  const steps = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) steps.push(at);
  return steps.slice(0, 20);
}

function clockText(ms, span) {
  const at = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  if (span > 2 * 86400e3) return `${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}h`;
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return span > 2 * 3600e3 ? minutes : `${minutes}:${two(at.getSeconds())}`;
}

function numberText(n) {
  if (n === 0) return "0";
  const size = Math.abs(n);
  if (size >= 1e5 || size < 1e-3) return brief(n) === "0" || size < 1e-3 ? n.toExponential(1) : brief(n);
  return String(Number(n.toPrecision(6)));
}

function chartView() {
  const place = make("div", { class: "kn-chart" });
  const picture = draw("svg", { class: "kn-picture", role: "img", height: HEIGHT });
  const legend = make("div", { class: "kn-legend" });
  const tip = make("div", { class: "kn-tip", hidden: true });
  place.append(picture, tip, legend);
  let shown = null;
  let pointer = null;

  function bounds(series, bars) {
    const points = series.flatMap((one) => one.points);
    const xs = points.map((point) => point[0]);
    const ys = points.map((point) => point[1]);
    let [lowX, highX] = [Math.min(...xs), Math.max(...xs)];
    let [lowY, highY] = [Math.min(...ys), Math.max(...ys)];
    if (bars) [lowY, highY] = [Math.min(lowY, 0), Math.max(highY, 0)];
    if (lowY === highY) [lowY, highY] = [lowY - Math.abs(lowY) * 0.05 - 0.5, highY + Math.abs(highY) * 0.05 + 0.5];
    const room = (highY - lowY) * 0.06;
    if (!bars || lowY < 0) lowY -= room;
    highY += room;
    if (lowX === highX) [lowX, highX] = [lowX - 500, highX + 500];
    return { lowX, highX, lowY, highY };
  }

  function paint() {
    const { chart, kind } = shown;
    const series = chart.series.filter((one) => one.points.length);
    const width = Math.max(place.clientWidth || 600, 200);
    picture.setAttribute("width", width);
    picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    picture.replaceChildren();
    legend.replaceChildren();
    tip.hidden = true;
    if (!series.length) {
      picture.append(draw("text", { x: width / 2, y: HEIGHT / 2, class: "kn-none", "text-anchor": "middle",
        text: "no numbers to draw yet" }));
      picture.setAttribute("aria-label", "chart without data");
      return;
    }
    const bars = kind === "bar";
    const { lowX, highX, lowY, highY } = bounds(series, bars);
    const count = new Set(series.flatMap((one) => one.points.map((point) => point[0]))).size;
    const slot = (width - EDGE.left - EDGE.right) / Math.max(count, 1);
    const pad = bars ? Math.min(slot / 2, 40) : 0;
    const x = (value) => EDGE.left + pad + ((value - lowX) / (highX - lowX)) * (width - EDGE.left - EDGE.right - 2 * pad);
    const y = (value) => HEIGHT - EDGE.bottom - ((value - lowY) / (highY - lowY)) * (HEIGHT - EDGE.top - EDGE.bottom);
    axes({ width, x, y, lowX, highX, lowY, highY, time: chart.time });
    series.forEach((one, place) => {
      const tone = `kn-tone${place % 8}`;
      if (bars) paintBars(one, tone, x, y, place, series.length, slot);
      else paintLine(one, tone, x, y);
      const newest = one.points[one.points.length - 1][1];
      legend.append(make("span", { class: "kn-key" }, make("span", { class: `kn-swatch ${tone}`, "aria-hidden": "true" }),
        make("span", { text: one.name, class: "kn-name", title: one.name }), make("b", { text: numberText(newest) })));
    });
    if (chart.left_out) legend.append(make("span", { class: "kn-dim", text: `and ${chart.left_out} more` }));
    picture.setAttribute("aria-label", series.map((one) => {
      const ys = one.points.map((point) => point[1]);
      return `${one.name}: newest ${numberText(ys[ys.length - 1])}, from ${numberText(Math.min(...ys))} to ${numberText(Math.max(...ys))}`;
    }).join("; "));
    shown.scale = { series, x, y, time: chart.time, span: highX - lowX, width };
    if (pointer !== null) point(pointer);
  }

  function axes({ width, x, y, lowX, highX, lowY, highY, time }) {
    for (const at of niceSteps(lowY, highY, 4)) {
      picture.append(draw("line", { class: "kn-grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(at), y2: y(at) }),
        draw("text", { class: "kn-tick", x: EDGE.left - 8, y: y(at) + 4, "text-anchor": "end", text: numberText(at) }));
    }
    const most = Math.max(2, Math.floor(width / 110));
    for (const at of time ? timeSteps(lowX, highX, most) : niceSteps(lowX, highX, most)) {
      picture.append(draw("text", { class: "kn-tick", x: x(at), y: HEIGHT - 6, "text-anchor": "middle",
        text: time ? clockText(at, highX - lowX) : numberText(at) }));
    }
  }

  function paintLine(one, tone, x, y) {
    const points = [...one.points].sort((a, b) => a[0] - b[0]);
    const d = points.map(([px, py], i) => `${i ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join("");
    picture.append(draw("path", { class: `kn-line ${tone}`, d }));
    const [px, py] = points[points.length - 1];
    picture.append(draw("circle", { class: `kn-end ${tone}`, cx: x(px), cy: y(py), r: 3 }));
  }

  function paintBars(one, tone, x, y, place, many, slot) {
    const wide = Math.max(1, Math.min((slot * 0.8) / many, 48));
    for (const [px, py] of one.points) {
      const [top, bottom] = [Math.min(y(py), y(0)), Math.max(y(py), y(0))];
      picture.append(draw("rect", { class: `kn-bar ${tone}`, x: x(px) - (wide * many) / 2 + place * wide, y: top,
        width: Math.max(wide - 1, 1), height: Math.max(bottom - top, 1), rx: 1.5 }));
    }
  }

  function point(clientX) {
    const scale = shown && shown.scale;
    if (!scale) return;
    const left = clientX - picture.getBoundingClientRect().left;
    const xs = [...new Set(scale.series.flatMap((one) => one.points.map((p) => p[0])))];
    const near = xs.reduce((best, at) => (Math.abs(scale.x(at) - left) < Math.abs(scale.x(best) - left) ? at : best), xs[0]);
    const lines = scale.series.map((one) => {
      const found = one.points.filter((p) => p[0] === near).pop();
      return found ? `${one.name}: ${numberText(found[1])}` : "";
    }).filter(Boolean);
    const when = scale.time ? clockText(near, 0) : numberText(near);
    tip.replaceChildren(make("b", { text: when }), ...lines.map((text) => make("div", { text })));
    tip.hidden = false;
    tip.style.left = `${Math.min(Math.max(scale.x(near) + 10, 0), scale.width - tip.offsetWidth - 4)}px`;
    for (const old of picture.querySelectorAll(".kn-cross")) old.remove();
    picture.append(draw("line", { class: "kn-cross", x1: scale.x(near), x2: scale.x(near), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
  }

  picture.addEventListener("pointermove", (event) => {
    pointer = event.clientX;
    point(pointer);
  });
  picture.addEventListener("pointerleave", () => {
    pointer = null;
    tip.hidden = true;
    for (const old of picture.querySelectorAll(".kn-cross")) old.remove();
  });
  const watch = new ResizeObserver(() => shown && paint());
  watch.observe(place);
  return {
    place,
    show(chart, kind) {
      shown = { chart, kind };
      paint();
    },
    end: () => watch.disconnect(),
  };
}
