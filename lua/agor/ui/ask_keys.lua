--- The keys of a question's float: what each means is `ask_item.lua`'s business, when it counts `ask.lua`'s.

local M = {}

---@class agor.AskDoes
---@field guarded fun(run: fun(item: agor.AskItem): agor.AskAction?): fun()
---@field postpone fun()
---@field skip fun(step: integer)
---@field several fun(): boolean
---@field whole fun()
---@field file fun()
---@field scroll fun(key: string)
---@field help fun()
---@field item fun(): agor.AskItem?

--- The keys of a question's float.
---@param does agor.AskDoes
---@return agor.Key[]
function M.list(does)
  local items = require('agor.ui.ask_item')
  local out = {}
  local function key(lhs, name, desc, run, hidden)
    local entry =
      { modes = 'n', lhs = lhs, name = name, desc = desc, run = does.guarded(run), hidden = hidden }
    out[#out + 1] = entry
    return entry
  end
  --- Only for some questions.
  ---@param entry agor.Key
  ---@param says fun(item: agor.AskItem): string|false|nil
  local function only(entry, says)
    entry.now = function()
      local item = does.item()
      return item and says(item) or nil
    end
  end
  for digit = 1, 9 do
    local desc = ('choose %d'):format(digit)
    local entry = key(tostring(digit), 'answer-' .. digit, desc, function(item)
      return items.choose(item, digit)
    end)
    only(entry, function(item)
      local choice = items.choices(item)[digit]
      -- One with a key of its own is listed by that.
      return choice
        and not choice.key
        and ('choose: %s'):format(require('agor.ui.cells').shorten(choice.label, 40))
    end)
  end
  key({ 'j', '<Down>' }, 'answer-next', 'next choice', function(item)
    return items.move(item, 1)
  end)
  key({ 'k', '<Up>' }, 'answer-prev', 'previous choice', function(item)
    return items.move(item, -1)
  end)
  key('<CR>', 'answer-confirm', 'choose', items.confirm)
  local mark = 'mark, where several may be chosen'
  only(key({ '<Space>', '<Tab>' }, 'answer-mark', mark, items.mark), function(item)
    local question = items.current(item)
    return question and question.multi and mark
  end)
  local longer = 'allow for longer than once, where that is offered'
  ---@param what 'allow'|'refuse'
  local function for_longer(what)
    return function(item)
      return items.longer(item, what)
    end
  end
  only(key('a', 'answer-longer', longer, for_longer('allow')), function(item)
    return require('agor.ui.ask_grant').offered(item) and 'allow for longer than once'
  end)
  local never = 'refuse for longer than once, where that is offered'
  only(key('n', 'answer-never', never, for_longer('refuse')), function(item)
    return require('agor.ui.ask_grant').refusable(item) and 'refuse for longer than once'
  end)
  local back = 'the question before, or the options'
  only(key('<BS>', 'answer-back', back, items.back), function(item)
    if item.granting then
      return 'the options before'
    end
    return item.kind == 'question' and item.step > 1 and back
  end)
  local refuse = 'refuse, with a reason'
  only(key('r', 'answer-refuse', refuse, items.refuse), function(item)
    return item.kind == 'question' and 'decline' or not item.ours and refuse
  end)
  local open = 'open the page'
  only(key('o', 'answer-open', open, items.page), function(item)
    return item.url and open
  end)
  local edit = 'edit the plan'
  only(key('e', 'answer-edit', edit, items.edit), function(item)
    return items.edit(item) and edit
  end)
  for _, way in ipairs({ { ']', 'after', 1 }, { '[', 'before', -1 } }) do
    local desc = ('the open question %s this one'):format(way[2])
    only(
      key(way[1], 'answer-skip-' .. way[2], desc, function()
        does.skip(way[3])
      end),
      function()
        return does.several() and desc
      end
    )
  end
  key('K', 'answer-whole', 'all of what is asked, in a window to read', does.whole)
  local file = 'open a file that it names, beside it'
  only(key({ 'gf', 'gd' }, 'answer-file', file, does.file), function(item)
    return require('agor.ui.ask_read').has_files(item) and file
  end)
  key('q', 'answer-later', 'later', does.postpone)
  key('g?', 'help', 'these keys', does.help)
  for lhs, scroll in pairs({
    ['<C-d>'] = '\4',
    ['<C-u>'] = '\21',
    ['<C-f>'] = '\6',
    ['<C-b>'] = '\2',
  }) do
    key(lhs, 'answer-scroll-' .. lhs:sub(4, 4), 'scroll what is asked', function()
      does.scroll(scroll)
    end, lhs ~= '<C-d>')
  end
  return out
end

return M
