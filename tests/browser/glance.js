// Show notes in the speaker's window; return where all but what to say ends, and its smallest font.
(notes) => {
    const place = document.querySelector(".speaker-controls-notes .value");
    place.innerHTML = notes;
    const parts = [...place.querySelectorAll("p")].filter(p => !/^(Say|Keep|Left out):/.test(p.textContent));
    return [Math.max(...parts.map(p => p.getBoundingClientRect().bottom)),
            Math.min(...parts.map(p => parseFloat(getComputedStyle(p).fontSize)))];
}
