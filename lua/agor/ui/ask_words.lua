--- What a question says: its text, its choices, its title and which keys there are, as lines with marks.
---
--- Knows items as `ask_item.lua` has them; no windows, no places.

local M = {}

---@class agor.Lines
---@field lines string[]
---@field marks any[] row, col, end_col, group
---@field ruled integer? the row that a line stands above
---@field hang integer? how many characters of each row stand before its words

---@return agor.Lines
local function block()
  return { lines = {}, marks = {} }
end

---@param out agor.Lines
---@param pieces string[][] text and group
local function line(out, pieces)
  local text, row = '', #out.lines
  for _, piece in ipairs(pieces) do
    local clean = require('agor.ui.cells').visible(piece[1])
    if piece[2] then
      out.marks[#out.marks + 1] = { row, #text, #text + #clean, piece[2] }
    end
    text = text .. clean
  end
  out.lines[#out.lines + 1] = text
end

---@param item agor.AskItem
---@return agor.Lines
function M.content(item)
  local out = block()
  if item.kind == 'question' then
    local question = require('agor.ui.ask_item').current(item)
    local cells = require('agor.ui.cells')
    for _, text in ipairs(vim.split(question.text, '\n', { plain = true })) do
      local from, to = text:find(item.url or '\0', 1, true)
      if from and to then
        local before, after = ' ' .. text:sub(1, from - 1), text:sub(to + 1)
        line(out, { { before }, { cells.clean(text:sub(from, to)), 'AgorLink' }, { after } })
      else
        line(out, { { ' ' .. text } })
      end
    end
    if item.url and not question.text:find(item.url, 1, true) then
      line(out, { { ' ' }, { cells.clean(item.url), 'AgorLink' } })
    end
    if item.url and not require('agor.ui.page').is_safe(item.url) then
      line(
        out,
        { { ' Only addresses that begin with http:// or https:// are opened.', 'AgorWarning' } }
      )
    end
    if question.multi then
      line(out, { { ' Several may be chosen.', 'AgorDim' } })
    end
    return out
  end
  if item.title ~= '' and item.tool ~= 'plan' then
    -- A command or a path that the text begins with anyway is not said twice.
    -- A command of several lines has its first one for a title, and a sign that it goes on.
    local words = vim.trim(item.title):gsub('%s*…$', '')
    -- What lies outside the project is said before the text.
    local first = item.lines[#item.outside > 0 and 2 or 1]
    local said = first and first:find(words, 1, true)
    if not said then
      line(out, { { ' ' }, { item.title, 'AgorPath' } })
    end
  end
  if item.reason and item.reason ~= '' then
    for _, text in ipairs(vim.split(item.reason, '\n', { plain = true })) do
      line(out, { { ' ' }, { text, 'AgorWarning' } })
    end
  end
  if item.note and item.note ~= '' then
    line(
      out,
      { { ' ' }, { 'Asked since ' .. require('agor.ui.cells').clean(item.note), 'AgorWarning' } }
    )
  end
  if #item.lines > 0 and #out.lines > 0 then
    out.lines[#out.lines + 1] = ''
  end
  if item.granting then
    local about = block()
    for _, pieces in ipairs(require('agor.ui.ask_grant').about(item)) do
      line(about, pieces)
    end
    line(about, { { '' } })
    -- Above what is asked, which may be long: it is to be read before one is chosen.
    for _, mark in ipairs(out.marks) do
      about.marks[#about.marks + 1] = { mark[1] + #about.lines, mark[2], mark[3], mark[4] }
    end
    vim.list_extend(about.lines, out.lines)
    out = about
  end
  local shift = #out.lines
  for _, text in ipairs(item.lines) do
    out.lines[#out.lines + 1] = ' ' .. text:gsub('[%z\n]', ' ')
  end
  for _, mark in ipairs(item.marks) do
    local row, col, end_col, group = mark[1], mark[2], mark[3], mark[4]
    if end_col < 0 then
      out.marks[#out.marks + 1] = { row + shift, 0, -1, group }
    else
      out.marks[#out.marks + 1] = { row + shift, col + 1, end_col + 1, group }
    end
  end
  if #out.lines == 0 then
    line(out, { { ' ' .. (item.title ~= '' and item.title or item.tool) } })
  end
  return out
end

---@param item agor.AskItem
---@return agor.Lines
function M.choices(item, selected)
  local icons = require('agor.ui.icons').get()
  local items = require('agor.ui.ask_item')
  local question = items.current(item)
  local out = block()
  local gap = (' '):rep(require('agor.ui.cells').width(icons.pointer))
  for i, choice in ipairs(items.choices(item)) do
    local at = selected and i == item.at
    local pieces = {
      { at and (' ' .. icons.pointer .. ' ') or (' ' .. gap .. ' '), 'AgorQuestion' },
      { choice.key and choice.key .. ' ' or i < 10 and ('%d '):format(i) or '  ', 'AgorKey' },
    }
    if question and question.multi then
      local on = item.marked[i]
      pieces[#pieces + 1] =
        { (on and icons.on or icons.off) .. ' ', on and 'AgorQuestion' or 'AgorDim' }
    end
    out.hang = 0
    for _, piece in ipairs(pieces) do
      out.hang = out.hang + vim.fn.strchars(piece[1])
    end
    local label = choice.label
    if choice.other and item.other and item.marked[i] then
      label = question.secret and label or ('%s: %s'):format(label, item.other)
    end
    pieces[#pieces + 1] = { label, at and 'AgorBold' or nil }
    if choice.description and choice.description ~= '' then
      pieces[#pieces + 1] = { '  ' .. choice.description, 'AgorDim' }
    end
    if choice.longer and i > 1 then
      out.ruled = out.ruled or #out.lines
    end
    line(out, pieces)
  end
  return out
end

---@param item agor.AskItem
---@param position integer
---@param total integer
---@param brief? integer how much of who asks is left out
---@return string
function M.title(item, position, total, brief)
  local items = require('agor.ui.ask_item')
  local who = items.who(item, brief)
  local text
  if item.kind == 'question' then
    local question = items.current(item)
    local header = question.header ~= '' and question.header or 'a question'
    text = ('%s asks: %s'):format(who, header)
    if #item.questions > 1 then
      text = ('%s (%d of %d)'):format(text, item.step, #item.questions)
    end
  elseif item.ours then
    text = ('before %s starts'):format(who)
  elseif item.tool == 'plan' then
    text = ('%s has a plan'):format(who)
  else
    text = ('%s asks: %s'):format(who, item.tool)
  end
  if total > 1 then
    text = ('%s  %s  %d of %d'):format(text, require('agor.ui.icons').get().dot, position, total)
  end
  return require('agor.ui.cells').clean(text)
end

--- The longest title that there is room for: what is asked, and which of how many it is, are left out last.
---@param item agor.AskItem
---@param position integer
---@param total integer
---@param cells integer
---@return string
function M.fitting(item, position, total, cells)
  local text
  for brief = 0, 2 do
    text = M.title(item, position, total, brief)
    if require('agor.ui.cells').width(text) <= cells then
      return text
    end
  end
  return require('agor.ui.cells').shorten(text, cells)
end

--- How the float is reached: the user's own key, if there is one.
---@return string
local function reached_by()
  for _, map in ipairs(vim.api.nvim_get_keymap('n')) do
    if map.rhs and map.rhs:lower() == '<plug>(agor-permit)' then
      return (map.lhs or ''):gsub('^ ', '<Space>') .. ' or :Agor permit answers'
    end
  end
  return ':Agor permit answers'
end

---@param item agor.AskItem
---@param focused boolean
---@return string
function M.hints(item, focused)
  if not focused then
    return reached_by()
  end
  if require('agor.config').get().keys == false then
    return ''
  end
  local dot = (' %s '):format(require('agor.ui.icons').get().dot)
  local items = require('agor.ui.ask_item')
  local question = items.current(item)
  local count = math.min(items.count(item), 9)
  local digits = count > 1 and ('1-%d'):format(count) or '1'
  local out
  if question and question.multi then
    out = { digits .. ' mark', '<CR> done', 'r decline', 'q later' }
  elseif question then
    out = { digits .. ' choose', 'r decline', 'q later' }
    if item.url then
      table.insert(out, 1, 'o opens the page')
    end
  elseif item.granting then
    out = { digits .. ' choose', '<BS> back', 'q later' }
  elseif item.ours then
    out = { digits .. ' choose', 'K what is in them', 'gf opens one', 'q later' }
  else
    out = { digits .. ' choose', 'r refuse with a reason', 'q later' }
    if items.edit(item) then
      table.insert(out, 2, 'e edit')
    end
  end
  return table.concat(out, dot)
end

return M
