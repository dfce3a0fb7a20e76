package matrix

// node is a department as a system keeps it.
type node[ID comparable] struct {
	name   string
	parent ID
}

// pathsOf gives the path of each of some departments; root has the path "".
func pathsOf[ID comparable](nodes map[ID]node[ID], root ID) map[ID]string {
	paths := map[ID]string{root: ""}
	var path func(id ID) string
	path = func(id ID) string {
		if known, ok := paths[id]; ok {
			return known
		}
		paths[id] = path(nodes[id].parent) + "/" + nodes[id].name
		return paths[id]
	}
	for id := range nodes {
		path(id)
	}
	return paths
}

// newView makes one that has these departments.
func newView[ID comparable](paths map[ID]string, root ID) view {
	v := view{people: map[string]held{}, units: map[string]bool{}}
	for id, path := range paths {
		if id != root {
			v.units[path] = true
		}
	}
	return v
}
