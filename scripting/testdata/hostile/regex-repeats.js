// want: refused | threw | harmless | overstayed
// tries: nested repeats
new RegExp('((((a{1,100}){1,100}){1,100}){1,100})').test('a')
