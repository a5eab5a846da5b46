// Everything here only adds to pages that work without it.
import { keepAges } from "./ages.js";
import { offerCopies } from "./copy.js";
import { startLive } from "./live.js";
import { followLogs } from "./log.js";
import { enhanceMenus } from "./menus.js";

document.documentElement.classList.add("js");
enhanceMenus();
offerCopies();
keepAges();
followLogs();
startLive();
