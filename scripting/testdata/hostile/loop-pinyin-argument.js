// want: threw: TypeError: pinyin
// tries: a name whose text never ends
pinyin({ toString() { for (;;); } })
