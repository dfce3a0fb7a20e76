package wecomsim

import (
	"crypto/md5" //nolint:gosec // the vendor's checksum of an image, no secret
	"encoding/base64"
	"encoding/hex"
	"time"
)

// robotRequest is the body of webhook/send.
type robotRequest struct {
	Type       string        `json:"msgtype"`
	Text       *robotContent `json:"text"`
	Markdown   *robotContent `json:"markdown"`
	MarkdownV2 *robotContent `json:"markdown_v2"`
	Image      *robotImage   `json:"image"`
	News       *robotNews    `json:"news"`
	File       *robotFile    `json:"file"`
	Voice      *robotFile    `json:"voice"`
	Card       *robotCard    `json:"template_card"`
}

type robotContent struct {
	Content          string   `json:"content"`
	Mentions         []string `json:"mentioned_list"`
	MentionedMobiles []string `json:"mentioned_mobile_list"`
}

type robotImage struct {
	Base64 string `json:"base64"`
	MD5    string `json:"md5"`
}

type robotNews struct {
	Articles []struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	} `json:"articles"`
}

type robotFile struct {
	MediaID string `json:"media_id"`
}

type robotCard struct {
	Type   string `json:"card_type"`
	Rows   []any  `json:"horizontal_content_list"`
	Jumps  []any  `json:"jump_list"`
	Action *struct {
		Type int `json:"type"`
	} `json:"card_action"`
}

// content gives the part of the message that people read, if it is text.
func (r *robotRequest) content() *robotContent {
	switch r.Type {
	case "text":
		return r.Text
	case "markdown":
		return r.Markdown
	case "markdown_v2":
		return r.MarkdownV2
	default:
		return nil
	}
}

// checkMessage checks a message against the limits of its type. The caller
// holds mu.
func (s *Sim) checkMessage(r *robotRequest, now time.Time) *Refusal {
	switch r.Type {
	case "text":
		return r.Text.check(maxRobotText)
	case "markdown":
		return r.Markdown.check(maxMarkdown)
	case "markdown_v2":
		return r.MarkdownV2.check(maxMarkdown)
	case "image":
		return r.Image.check()
	case "news":
		return r.News.check()
	case "file":
		return s.checkMedia(r.File, "file", now)
	case "voice":
		return s.checkMedia(r.Voice, "voice", now)
	case "template_card":
		return r.Card.check()
	default:
		return refuse(codeBadMsgType, "invalid message type")
	}
}

// check: the limit counts bytes, not characters.
func (c *robotContent) check(limit int) *Refusal {
	switch {
	case c == nil || c.Content == "":
		return refuse(codeContentEmpty, "content missing")
	case len(c.Content) > limit:
		return badParameter("content exceed max length")
	}
	return nil
}

func (i *robotImage) check() *Refusal {
	if i == nil {
		return badParameter("image")
	}
	data, err := base64.StdEncoding.DecodeString(i.Base64)
	if err != nil || len(data) == 0 {
		return badParameter("image.base64")
	}
	if len(data) > maxImage {
		return refuse(codeMediaSize, "media size out of limit")
	}
	sum := md5.Sum(data) //nolint:gosec // see the import
	if hex.EncodeToString(sum[:]) != i.MD5 {
		return badParameter("image.md5")
	}
	return nil
}

func (n *robotNews) check() *Refusal {
	if n == nil || len(n.Articles) == 0 || len(n.Articles) > maxArticles {
		return badParameter("news.articles")
	}
	for _, article := range n.Articles {
		if article.Title == "" || article.URL == "" {
			return badParameter("news.articles, title and url are required")
		}
	}
	return nil
}

func (c *robotCard) check() *Refusal {
	switch {
	case c == nil || c.Type != "text_notice" && c.Type != "news_notice":
		return refuse(codeCardType, "invalid template_card.card_type")
	case len(c.Rows) > maxCardRows:
		return refuse(codeCardList, "invalid horizontal_content_list size")
	case len(c.Jumps) > maxCardJumps:
		return refuse(codeCardJumps, "invalid jump_list size")
	case c.Action == nil || c.Action.Type != 1 && c.Action.Type != 2:
		return refuse(codeCardAction, "invalid card_action")
	}
	return nil
}

func (s *Sim) checkMedia(f *robotFile, kind string, now time.Time) *Refusal {
	if f == nil {
		return badParameter(kind)
	}
	m, found := s.media[f.MediaID]
	if !found || m.kind != kind || now.Sub(m.at) >= mediaLife {
		return refuse(codeBadMediaID, "invalid media_id")
	}
	return nil
}
