// want: refused: not valid
// tries: to import a module by a statement
// whole
import fs from "fs"
