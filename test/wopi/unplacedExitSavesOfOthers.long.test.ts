import { refusedSavesFrom } from "./refusedSaves.ts";

// ONLYOFFICE, which needs most care, is tested every day.
refusedSavesFrom(["collabora", "microsoft365", "other"]);
