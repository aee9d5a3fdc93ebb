// Folds and unfolds groups. `arrange` is `_arrange.py` again: what it places there for the first look, it places here.
(() => {
  const svg = document.currentScript.closest("svg");
  const { whole, header, measures: { margin, heading, gap, entryGap, borderGap } } = JSON.parse(svg.querySelector(".plan").textContent);
  const children = (element, name) => [...element.children].filter((child) => child.classList.contains(name));
  const written = (number) => String(Math.round(number * 10) / 10);
  const at = (element, x, y) => element.setAttribute("transform", `translate(${written(x)} ${written(y)})`);

  const stretched = (parts) => {
    const grown = parts.filter(([, , more]) => more > 0);
    const cuts = [...new Set(grown.flatMap(([left, right]) => [left, right]))].sort((a, b) => a - b);
    const pieces = cuts.slice(1).map((right, place) => {
      const rates = grown.filter(([l, r]) => l <= cuts[place] && right <= r).map(([l, r, more]) => more / (r - l));
      return [cuts[place], right, Math.max(0, ...rates)];
    });
    return (x) => pieces.reduce((sum, [left, right, rate]) => (x > left ? sum + rate * (Math.min(x, right) - left) : sum), x);
  };

  const borders = (plan, boxes) => {
    const count = Math.max(-1, ...plan.rows) + 1;
    const heights = Array(count).fill(0);
    boxes.forEach((box, slot) => { heights[plan.rows[slot]] = Math.max(heights[plan.rows[slot]], box ? box.height : 0); });
    const tops = [], bottoms = [];
    heights.forEach((height, row) => {
      const atBorder = row === count - 1 && plan.leaving;
      const below = row === 1 && plan.entering ? entryGap : atBorder ? borderGap : gap;
      tops.push(row > 0 ? bottoms[row - 1] + below : plan.entering ? 0 : heading + 8);
      bottoms.push(tops[row] + height);
    });
    return [tops, bottoms];
  };

  const arrange = (element, part) => {
    const inside = children(element, "inside")[0];
    if (!inside || element.classList.contains("folded")) return part.size;
    const plan = part.plan, first = plan.entering, elements = children(inside, "part");
    const sizes = plan.parts.map((inner, place) => arrange(elements[place], inner));
    const stretch = stretched(plan.parts.map(({ size }, place) => {
      const centre = plan.centre[first + place];
      return [centre - size.width / 2, centre + size.width / 2, sizes[place].width - size.width];
    }));
    const content = stretch(Math.max(0, ...plan.centre.map((centre, slot) => centre + plan.width[slot] / 2)));
    const middles = plan.centre.map(stretch);
    const lead = Math.max(margin, ...middles.slice(0, first).map((entry) => plan.heading - entry));
    const x = middles.map((middle) => middle + lead);
    const width = Math.max(content + 2 * lead, plan.heading);
    const boxes = x.map((_, slot) => sizes[slot - first]);
    const [tops, bottoms] = borders(plan, boxes);
    const leaves = ([slot, place]) => {
      const box = boxes[slot], top = tops[plan.rows[slot]];
      return box ? [x[slot] + box.outs[place], top + box.height] : [x[slot], top];
    };
    const arrives = ([slot, place]) => [x[slot] + (boxes[slot] ? boxes[slot].ins[place] : 0), tops[plan.rows[slot]]];

    elements.forEach((inner, place) => at(inner, x[first + place] - sizes[place].width / 2, tops[plan.rows[first + place]]));
    children(inside, "edge").forEach((edge, number) => {
      const [start, end] = plan.hops[number];
      const [fromX, fromY] = leaves(start), [toX, toY] = arrives(end), bottom = bottoms[plan.rows[start[0]]];
      const middle = (bottom + toY) / 2, taker = elements[end[0] - first];
      const [a, b, c, d, e, f] = [fromX, fromY, bottom, middle, toX, toY].map(written);
      edge.classList.toggle("tip", Boolean(taker) && (!children(taker, "inside")[0] || taker.classList.contains("folded")));
      edge.setAttribute("d", `M${a} ${b}V${c}C${a} ${d} ${e} ${d} ${e} ${f}`);
    });
    children(inside, "label").forEach((label, number) => at(label, ...leaves(plan.labels[number])));
    const height = tops.length ? bottoms[bottoms.length - 1] + (plan.leaving ? 0 : margin) : heading;
    for (const frame of children(inside, "frame")) {
      frame.setAttribute("width", written(width));
      frame.setAttribute("height", written(height));
    }
    const outs = x.slice(first + sizes.length, first + sizes.length + plan.leaving).map((place) => place - width / 2);
    return { width, height, ins: x.slice(0, first).map((place) => place - width / 2), outs };
  };

  const draw = () => {
    const element = children(svg, "whole")[0];
    const size = arrange(element, whole);
    const width = Math.max(size.width, header.width), height = header.height + size.height;
    at(element, (width - size.width) / 2, header.height);
    svg.setAttribute("width", written(width));
    svg.setAttribute("height", written(height));
    svg.setAttribute("viewBox", `0 0 ${written(width)} ${written(height)}`);
  };

  const toggle = (button) => {
    const group = button.parentNode;
    const before = button.getBoundingClientRect();
    const folded = group.classList.toggle("folded");
    draw();
    const other = children(group, folded ? "small" : "heading")[0];
    const after = other.getBoundingClientRect();
    // What was clicked stays under the pointer.
    window.scrollBy(after.left - before.left, after.top - before.top);
    other.focus({ preventScroll: true });
  };

  const button = (event) => event.target.closest('[role="button"]');
  svg.addEventListener("click", (event) => { if (button(event)) toggle(button(event)); });
  svg.addEventListener("keydown", (event) => {
    if (!button(event) || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    toggle(button(event));
  });
})();
