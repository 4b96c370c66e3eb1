"use strict";
(() => {
	const form = document.getElementById("filter");
	const find = document.getElementById("find");
	const outcome = document.getElementById("outcome");
	const shown = document.getElementById("shown");
	const items = Array.from(document.querySelectorAll("[data-o]"), (element) => {
		const group = element.closest("tbody");
		const before = group ? group.dataset.p + " " : "";
		return { element, group, text: (before + element.textContent).toLowerCase(), outcomes: element.dataset.o.split(" ") };
	});
	const groups = document.querySelectorAll("tbody");
	const lists = new Set(Array.from(document.querySelectorAll("article[data-o], p[data-o], li[data-o]"), (element) => element.closest("section")));

	const fits = (item, words, wanted) => {
		if (wanted === "!green" && !item.outcomes.some((o) => o !== "green")) return false;
		if (wanted && wanted !== "!green" && !item.outcomes.includes(wanted)) return false;
		return words.every((word) => item.text.includes(word));
	};
	const filter = () => {
		const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
		const used = new Set();
		let rows = 0, all = 0;
		for (const item of items) {
			const fit = fits(item, words, outcome.value);
			item.element.hidden = !fit;
			if (fit) used.add(item.group || item.element.closest("section"));
			if (!item.group) continue;
			all++;
			if (fit) rows++;
		}
		for (const group of groups) group.hidden = !used.has(group);
		for (const list of lists) list.hidden = !used.has(list);
		const some = words.length > 0 || outcome.value !== "";
		shown.textContent = some ? rows + " of " + all + " rows" : "";
	};
	const changed = () => {
		filter();
		const keep = new URLSearchParams();
		if (find.value) keep.set("find", find.value);
		if (outcome.value) keep.set("outcome", outcome.value);
		history.replaceState(null, "", "#" + keep.toString());
	};
	const go = () => {
		const hash = location.hash.slice(1);
		if (hash.includes("=")) {
			const keep = new URLSearchParams(hash);
			find.value = keep.get("find") || "";
			outcome.value = keep.get("outcome") || "";
			if (outcome.selectedIndex < 0) outcome.value = "";
			filter();
			return;
		}
		const target = document.getElementById(hash);
		if (target && target.hidden) {
			find.value = outcome.value = "";
			filter();
			target.scrollIntoView();
		}
	};
	form.addEventListener("submit", (event) => event.preventDefault());
	find.addEventListener("input", changed);
	outcome.addEventListener("change", changed);
	addEventListener("hashchange", go);
	form.hidden = false;
	go();
})();
