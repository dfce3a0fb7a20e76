// want: threw: TypeError: code from text
// tries: Function by a proxy
new Proxy(function () {}, {}).constructor("return 1")()
