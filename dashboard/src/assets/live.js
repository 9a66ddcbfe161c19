// Keeps a page up to date: asks for the parts that have changed, one frame at a time.
"use strict";
