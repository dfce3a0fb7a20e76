// want: overstayed | harmless
// tries: a pattern over a long text
/(?=a)*b/.test('a'.repeat(5e6))
