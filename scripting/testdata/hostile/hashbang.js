// want: refused: not valid
// tries: a hashbang
// whole
#!/bin/sh
return context
