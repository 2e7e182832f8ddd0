--- Text as cells of the screen. Vim's own functions take no NUL (E976), and an agent may well send one.

local M = {}

-- What was found of short texts: lists of dozens of rows are measured again several times a second, most of it the same.
local SHORT, MOST = 200, 4000
---@type table<string, boolean>, integer
local known, count = {}, 0

--- As many cells as bytes, all of them to be seen. Most text is so, and asking Vim costs ten times as much.
---@param text string
---@return boolean
local function is_plain(text)
  local plain = known[text]
  if plain == nil then
    plain = not text:find('[^\32-\126]')
    if #text <= SHORT then
      if count == MOST then
        known, count = {}, 0
      end
      known[text], count = plain, count + 1
    end
  end
  return plain
end

--- One line without control characters: what a title, a bar or a prompt can show.
---@param text string
---@return string
function M.clean(text)
  if is_plain(text) or not text:find('[%c%z]') then
    return text
  end
  return (text:gsub('%c', ' '):gsub('%z', ' '))
end

--- Cells that a buffer's line takes; a NUL is shown as `^@`.
---@param text string
---@return integer
function M.width(text)
  if is_plain(text) then
    return #text
  end
  return vim.fn.strdisplaywidth((text:gsub('%z', '^@')))
end

--- A line cut to some cells, with a sign that there was more.
---@param text string
---@param cells integer
---@param more? string another sign, or none if empty
---@return string
function M.shorten(text, cells, more)
  text = M.clean(text)
  if M.width(text) <= cells then
    return text
  end
  more = more or require('agor.ui.icons').get().more
  if cells <= M.width(more) then
    return ''
  elseif is_plain(text) then
    return text:sub(1, cells - M.width(more)) .. more
  end
  local kept = vim.fn.strcharpart(text, 0, cells)
  while kept ~= '' and M.width(kept) > cells - M.width(more) do
    kept = vim.fn.strcharpart(kept, 0, vim.fn.strchars(kept) - 1)
  end
  return kept .. more
end

--- The end of a line, with a sign that there was more before it.
---@param text string
---@param cells integer
---@return string
function M.tail(text, cells)
  text = M.clean(text)
  local more = require('agor.ui.icons').get().more
  local width = M.width(text)
  if width <= cells then
    return text
  end
  -- No letter is less than a cell wide, so that few are left to be counted.
  local kept = vim.fn.strcharpart(text, math.max(0, vim.fn.strchars(text) - cells))
  while kept ~= '' and M.width(kept) > cells - M.width(more) do
    kept = vim.fn.strcharpart(kept, 1)
  end
  return more .. kept
end

return M
