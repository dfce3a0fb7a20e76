// want: harmless | threw | overstayed
// tries: an exec that lies
class R extends RegExp { exec() { return { index: 1e9, 0: '', length: 1 } } }
'abc'.replace(new R('b', ''), 'x')
