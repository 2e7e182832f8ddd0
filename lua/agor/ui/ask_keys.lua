--- The keys of a question's float: what each means is `ask_item.lua`'s business, when it counts `ask.lua`'s.

local M = {}

---@class agor.AskDoes
---@field guarded fun(run: fun(item: agor.AskItem): agor.AskAction?): fun()
---@field postpone fun()
---@field scroll fun(key: string)
---@field help fun()

--- The keys of a question's float.
---@param does agor.AskDoes
---@return agor.Key[]
function M.list(does)
  local items = require('agor.ui.ask_item')
  local out = {}
  local function key(lhs, name, desc, run, hidden)
    out[#out + 1] =
      { modes = 'n', lhs = lhs, name = name, desc = desc, run = does.guarded(run), hidden = hidden }
  end
  for digit = 1, 9 do
    local desc = ('choose %d'):format(digit)
    key(tostring(digit), 'answer-' .. digit, desc, function(item)
      return items.choose(item, digit)
    end, digit > 3)
  end
  key({ 'j', '<Down>' }, 'answer-next', 'next choice', function(item)
    return items.move(item, 1)
  end)
  key({ 'k', '<Up>' }, 'answer-prev', 'previous choice', function(item)
    return items.move(item, -1)
  end)
  key('<CR>', 'answer-confirm', 'choose', items.confirm)
  key({ '<Space>', '<Tab>' }, 'answer-mark', 'mark, where several may be chosen', items.mark)
  key('<BS>', 'answer-back', 'the question before', items.back)
  key('r', 'answer-refuse', 'refuse, with a reason', items.refuse)
  key('e', 'answer-edit', 'edit the plan', items.edit)
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
