// want: refused: compiling the rule ends its process | refused: takes too long
// tries: a shift
1n << 100000000000n
