"use strict";
(() => {
  const data = JSON.parse(document.getElementById("front-data").textContent);
  const plot = document.getElementById("front");
  if (!data.axes.length) return;
  // Colour tells of another axis than the horizontal one, where there is another.
  const axes = Object.fromEntries(data.axes.map((axis) => [axis.name, { ...axis, by: data.axes.find((other) => other.name !== axis.name) || axis }]));
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let current = data.axes[0].name;

  // Below a decade a logarithmic axis has hardly a tick; above it, 1, 2 and 5 of each decade.
  function scale(log, values) {
    const positive = values.filter((value) => value > 0);
    const low = Math.min(...positive), high = Math.max(...positive);
    if (!log || !(high / low > 8)) return { type: "linear", tickformat: ",~r" };
    const ticks = [];
    for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10)
      for (const digit of [1, 2, 5]) ticks.push(Number((digit * decade).toPrecision(3)));
    return { type: "log", tickvals: ticks, ticktext: ticks.map((tick) => tick.toLocaleString("en", { maximumSignificantDigits: 3 })) };
  }

  function draw() {
    const axis = axes[current];
    const pick = (rows, key) => rows.map((row) => row[key]);
    const values = (rows, name) => rows.map((row) => row.values[name]);
    const points = (rows) => ({ type: "scatter", mode: "markers", x: values(rows, current).map((value) => axis.log ? Math.max(value, 1) : value), y: pick(rows, "accuracy"),
      text: pick(rows, "text"), hovertemplate: "%{text}<extra></extra>" });
    const front = data.points.filter((row) => row.front);
    const others = data.points.filter((row) => !row.front);
    const chosen = data.points.filter((row) => row.chosen);
    const low = Math.min(...values(front, axis.by.name)), high = Math.max(...values(front, axis.by.name));
    const traces = [
      { ...points(others), name: "evaluated", marker: { color: colour("--c5"), size: 5, opacity: 0.4 } },
      { ...points(front), name: "front",
        error_y: { type: "data", symmetric: false, array: front.map((r) => r.high - r.accuracy), arrayminus: front.map((r) => r.accuracy - r.low), thickness: 1, width: 0, color: colour("--c5") },
        marker: { size: 11, color: values(front, axis.by.name), colorscale: [[0, "#3f6fd8"], [0.35, "#2f9fb8"], [0.65, "#58b368"], [1, "#e6b422"]], cmin: low, cmax: high, line: { width: 1, color: colour("--paper") },
          colorbar: { title: { text: axis.by.short, side: "right" }, thickness: 12, len: 0.9, outlinewidth: 0 } } },
      { ...points(chosen), name: "chosen", marker: { size: 20, symbol: "circle-open", color: colour("--c1"), line: { width: 3, color: colour("--c1") } } },
    ];
    const lines = data.references.map((reference, i) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: reference.value, y1: reference.value,
      name: reference.label, showlegend: true, line: { color: colour(`--c${Math.min(i + 1, 4)}`), width: 1.6, dash: "dash" } }));
    const shared = { gridcolor: colour("--rule"), linecolor: colour("--rule"), zeroline: false, automargin: true };
    const layout = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour("--ink"), size: 12.5, family: getComputedStyle(document.body).fontFamily },
      margin: { l: 66, r: 10, t: 10, b: 54 }, modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--c5"), activecolor: colour("--c0") }, hovermode: "closest", hoverlabel: { align: "left", bgcolor: colour("--panel"), font: { color: colour("--ink") } },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, shapes: lines,
      xaxis: { ...shared, title: { text: axis.label }, ...scale(axis.log, traces.flatMap((trace) => trace.x)) },
      yaxis: { ...shared, title: { text: data.label }, ...scale(data.log, [...traces.flatMap((trace) => trace.y), ...pick(data.references, "value")]) } };
    Plotly.react(plot, traces, layout, { displaylogo: false, responsive: true, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] });
    for (const button of document.querySelectorAll("[data-axis]")) button.setAttribute("aria-pressed", String(button.dataset.axis === current));
  }
  for (const button of document.querySelectorAll("[data-axis]")) button.addEventListener("click", () => { current = button.dataset.axis; draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
