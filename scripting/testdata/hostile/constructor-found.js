// want: threw: TypeError: code from text
// tries: Function by an object that was looked up
Object.getPrototypeOf(repo.getObjectByID("d1")).constructor.constructor("return 1")()
