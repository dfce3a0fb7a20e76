// want: harmless | failed | threw
// tries: attributes with the names of built-ins
context.data['hasOwnProperty'] = 'x'
