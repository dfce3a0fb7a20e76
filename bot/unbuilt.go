package bot

func (b *Bot) notYet() reply { return notice(Warn, "not yet / 尚未实现") }
