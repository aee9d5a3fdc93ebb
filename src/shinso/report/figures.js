"use strict";
(() => {
  const figures = [...document.querySelectorAll("script[data-figure]")].map((script) => ({
    box: document.getElementById(script.dataset.figure),
    drawing: JSON.parse(script.textContent),
  }));
  const touch = matchMedia("(pointer: coarse)").matches;

  // A colour is named after a custom property of the style sheet, which knows light from dark.
  const coloured = (value, key, style) => {
    if (Array.isArray(value)) return value.map((entry) => coloured(entry, key, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, coloured(entry, name, style)]));
    }
    const named = /color(scale)?$/.test(key) && typeof value === "string" && value.startsWith("--");
    return named ? style.getPropertyValue(value).trim() : value;
  };

  const draw = ({ box, drawing }) => {
    const style = getComputedStyle(document.documentElement);
    const { data, layout } = coloured(drawing, "", style);
    layout.font.family = getComputedStyle(document.body).fontFamily;
    // Hovering tells the row; its name is sent once for the row, not once for each of its cells.
    for (const trace of data.filter(({ meta }) => meta)) {
      trace.customdata = trace.meta.map((name) => trace.x.map(() => name));
    }
    // A finger that scrolls the page must not zoom the figure.
    layout.dragmode = touch ? false : "zoom";
    return Plotly.react(box, data, layout, { responsive: true, displayModeBar: false, showTips: false });
  };

  for (const button of document.querySelectorAll("button[data-log]")) {
    const shown = figures.find(({ box }) => box.id === button.dataset.log);
    button.addEventListener("click", () => {
      const logarithmic = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(logarithmic));
      shown.drawing.layout.yaxis.type = logarithmic ? "log" : "linear";
      draw(shown);
    });
  }

  const drawAll = () => Promise.all(figures.map(draw));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  drawAll().then(() => document.documentElement.setAttribute("data-drawn", String(figures.length)));
})();
