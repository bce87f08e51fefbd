// Filters of the index. Without this file the page shows every claim, and the form stays hidden.
"use strict";

const form = document.getElementById("filters");

function chosen() {
  const data = new FormData(form);
  const words = data.get("words").toLowerCase().split(/\s+/).filter(Boolean);
  return { verdicts: new Set(data.getAll("verdict")), kind: data.get("kind"), tier: data.get("tier"), words };
}

function matches(claim, wanted) {
  const { verdict, kind, tier, words } = claim.dataset;
  return (
    wanted.verdicts.has(verdict) &&
    (!wanted.kind || wanted.kind === kind) &&
    (!wanted.tier || wanted.tier === tier) &&
    wanted.words.every((word) => words.includes(word))
  );
}

function apply() {
  const wanted = chosen();
  const claims = [...document.querySelectorAll(".claims > li")];
  for (const claim of claims) claim.hidden = !matches(claim, wanted);
  for (const paper of document.querySelectorAll(".paper")) {
    paper.hidden = !paper.querySelector(".claims > li:not([hidden])");
  }
  const shown = claims.filter((claim) => !claim.hidden).length;
  form.elements.count.value = `${shown} of ${claims.length} shown`;
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("change", apply); // some browsers and readers choose from a list without an input event
  form.addEventListener("submit", (event) => event.preventDefault());
  apply(); // the browser may have kept what was typed before a reload
}
