// Figures that answer: pointing at one says the values of the nearest point. A click on a name in its legend hides that
// series and shows it again; a double click leaves it alone, or shows all again. Without this script the page shows the
// same figures.
"use strict";

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function svgElement(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function interactive(figure) {
  const { axes, x: xLabels, series } = JSON.parse(figure.dataset.told);
  const svg = figure.querySelector("svg");
  const hidden = new Set();
  const mark = svgElement("circle", { r: 4.5, class: "mark", visibility: "hidden" });
  svg.append(mark);

  function clear() {
    tip.hidden = true;
    mark.setAttribute("visibility", "hidden");
  }

  // The nearest point of what is shown in the axes under the pointer; null outside of all axes.
  function nearest(at) {
    const inside = axes.findIndex(([left, top, right, bottom]) =>
      at.x >= left - 6 && at.x <= right + 6 && at.y >= top - 6 && at.y <= bottom + 6);
    let best = null;
    series.forEach(({ name, points }, i) => {
      if (hidden.has(i)) return;
      for (const [axis, x, y, ofX, ofY] of points) {
        const distance = Math.hypot(x - at.x, y - at.y);
        if (axis === inside && (!best || distance < best.distance)) best = { distance, name, axis, x, y, ofX, ofY };
      }
    });
    return best;
  }

  function point(event) {
    const onPage = svg.getScreenCTM();
    const found = nearest(new DOMPoint(event.clientX, event.clientY).matrixTransform(onPage.inverse()));
    if (!found) return clear();
    mark.setAttribute("cx", found.x);
    mark.setAttribute("cy", found.y);
    mark.setAttribute("visibility", "visible");
    const ofX = typeof found.ofX === "number" ? `${xLabels[found.axis]}: ${found.ofX.toLocaleString("en")}` : found.ofX;
    tip.textContent = [found.name, ofX, found.ofY].join("\n");
    tip.hidden = false;
    const shown = new DOMPoint(found.x, found.y).matrixTransform(onPage);
    const room = document.documentElement.clientWidth - tip.offsetWidth - 4;
    const right = shown.x + 14;
    tip.style.left = `${Math.max(4, right <= room ? right : Math.min(room, shown.x - 14 - tip.offsetWidth))}px`;
    tip.style.top = `${Math.max(4, shown.y - tip.offsetHeight - 10)}px`;
  }

  const buttons = new Map(); // of the series that the legend names

  function show(i, on) {
    if (on) hidden.delete(i); else hidden.add(i);
    for (const part of svg.querySelectorAll(`[data-series="${i}"]`)) part.classList.toggle("off", !on);
    for (const part of svg.querySelectorAll(`[data-name="${i}"]`)) part.classList.toggle("faded", !on);
    buttons.get(i).setAttribute("aria-pressed", String(on));
    clear();
  }

  // This one and no other; or all, if that is so already.
  function showAlone(i) {
    const alone = !hidden.has(i) && hidden.size === buttons.size - 1;
    for (const other of buttons.keys()) show(other, alone || other === i);
  }

  series.forEach(({ name }, i) => {
    const parts = [...svg.querySelectorAll(`[data-name="${i}"]`)];
    if (!parts.length) return;
    const boxes = parts.map((part) => part.getBBox());
    const left = Math.min(...boxes.map((box) => box.x));
    const top = Math.min(...boxes.map((box) => box.y));
    const width = Math.max(...boxes.map((box) => box.x + box.width)) - left;
    const height = Math.max(...boxes.map((box) => box.y + box.height)) - top;
    const button = svgElement("rect", { x: left - 3, y: top - 3, width: width + 6, height: height + 6, class: "button",
      tabindex: 0, role: "button", "aria-pressed": "true", "aria-label": `show ${name}` });
    buttons.set(i, button);
    button.addEventListener("click", () => show(i, hidden.has(i)));
    button.addEventListener("dblclick", () => showAlone(i));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      show(i, hidden.has(i));
    });
    svg.append(button);
  });
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", clear);
}

const figures = document.querySelectorAll("figure[data-told]");
figures.forEach(interactive);
if (figures.length) {
  const help = document.createElement("p");
  help.textContent = "Point at a figure to read its values. Click a name in a legend to hide it or show it again, double-click to see it alone.";
  document.querySelector("h1").after(help);
}
