// What of the shown slide lies outside of its box, lies over its foot, or can be scrolled.
() => {
  const slide = document.querySelector("section.present");
  const box = slide.getBoundingClientRect();
  const style = getComputedStyle(slide);
  const left = box.left + parseFloat(style.paddingLeft);
  const right = box.right - parseFloat(style.paddingRight);
  const foot = slide.querySelector("footer").getBoundingClientRect();
  const outside = [];
  if (Math.round(box.width) !== 1280 || Math.round(box.height) !== 720)
    outside.push(`the slide is ${box.width} x ${box.height}`);

  const check = (rect, what, floor) => {
    if (!rect.width || !rect.height) return;
    const inside = rect.left >= left - 1 && rect.right <= right + 1 && rect.top >= box.top - 1;
    const edges = [rect.left, rect.top, rect.right, rect.bottom].map(Math.round);
    if (!inside || rect.bottom > floor + 1) outside.push(`${what} at ${edges}`);
  };

  const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!text.data.trim() || text.parentElement.closest(".notes, .katex-mathml")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const floor = text.parentElement.closest("footer") ? box.bottom : foot.top;
    const what = JSON.stringify(text.data.trim().slice(0, 40));
    for (const rect of range.getClientRects()) check(rect, what, floor);
  }

  for (const element of slide.querySelectorAll("*")) {
    if (element.closest("footer, .notes, .katex")) continue;
    const what = `<${element.localName} class="${element.className}">`;
    check(element.getBoundingClientRect(), what, foot.top);
    const words = element.matches(".words") && element.firstElementChild.getBoundingClientRect();
    if (words && words.width > element.getBoundingClientRect().width + 1)
      outside.push(`"${element.textContent}" is wider than its place`);
    const wider = element.scrollWidth > element.clientWidth + 1 && element.clientWidth;
    const higher = element.scrollHeight > element.clientHeight + 1 && element.clientHeight;
    if (getComputedStyle(element).overflow !== "visible" && (wider || higher))
      outside.push(`${what} must be scrolled`);
  }
  return outside;
}
