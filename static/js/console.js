// Everything here only adds to pages that work without it.
import { keepAges } from "./ages.js";
import { checkAsTyped } from "./check.js";
import { startBoard } from "./board.js";
import { completeFilters } from "./complete.js";
import { offerCopies } from "./copy.js";
import { keepDrafts } from "./drafts.js";
import { startLive } from "./live.js";
import { followLogs } from "./log.js";
import { startKeys } from "./keys.js";
import { enhanceMenus } from "./menus.js";
import { offerPalette } from "./palette.js";
import { showCurrentTab } from "./tabs.js";

document.documentElement.classList.add("js");
enhanceMenus();
showCurrentTab();
startKeys();
startBoard();
completeFilters();
offerPalette();
offerCopies();
keepAges();
followLogs();
keepDrafts();
checkAsTyped();
startLive();

const graph = document.querySelector("[data-graph]");
if (graph) import("./graph.js").then(({ startGraph }) => startGraph(graph));
