package stage

import "strings"

// Door gives the address to which a room's platform posts what comes by
// callback.
func (s *Stage) Door(r Room) string {
	if r == DingRoom {
		return "http://" + s.address() + CallbackPath
	}
	return "http://" + s.address() + feishuPath
}

// ChatID gives the platform's id of a room's chat.
func (s *Stage) ChatID(r Room) string {
	if r == DingRoom {
		return dingChat
	}
	return feishuChat
}

// Account gives the platform's id of an admin, "" for a stranger.
func (s *Stage) Account(r Room, name string) string {
	for _, a := range s.cast {
		switch {
		case a.name != name && a.english != name:
		case r == DingRoom:
			return a.staffID
		default:
			return a.openID
		}
	}
	return ""
}

// Secrets lists what the configuration holds and no log may show: keys, tokens,
// and the addresses that are secrets.
func (s *Stage) Secrets() []string {
	return []string{
		encryptKey, verification, hookSecret, hookKey, robotKey, robotToken, robotSecret, clientSecret,
		strings.TrimPrefix(CallbackPath, "/callback/dingtalk/"), s.Feishu.AppSecret(), contactsSecret,
	}
}

// Persons lists what belongs to the people of the roster as it was last month,
// and is nobody's business in a log: names, mobile numbers, mail addresses.
func (s *Stage) Persons() []string {
	var all []string
	for _, p := range lastMonth(companySize) {
		all = append(all, p.name, p.mobile, p.email)
	}
	return all
}
