// want: refused: not valid
// tries: to import a module
// whole
import("fs")
