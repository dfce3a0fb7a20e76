// want: threw: ReferenceError
// tries: WebAssembly
new WebAssembly.Module(new Uint8Array(8))
