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

-- The first bytes of the characters that are looked at one by one: few texts have any of them.
local SUSPECT = '[\194\204\205\210\216\225\226\227\239\240\243]'
-- Marks above and below one letter; what is piled higher runs over other lines of a terminal.
local PILED = 10
-- A flag that is spelt, and how many letters it may have.
local FLAG, SPELT = '\240\159\143\180', 6

---@param letter string one character of UTF-8 beyond ASCII
---@return integer
local function number(letter)
  local first, code = letter:byte(1), 0
  code = first >= 240 and first - 240 or first >= 224 and first - 224 or first - 192
  for i = 2, #letter do
    code = code * 64 + letter:byte(i) - 128
  end
  return code
end

---@param code integer
---@return boolean that it is drawn over the letter before it
local function is_mark(code)
  return code >= 0x300 and code <= 0x36f
    or code >= 0x483 and code <= 0x489
    or code >= 0x1ab0 and code <= 0x1aff
    or code >= 0x1dc0 and code <= 0x1dff
    or code >= 0x20d0 and code <= 0x20ff
    or code >= 0xfe20 and code <= 0xfe2f
end

-- What draws nothing and means nothing: soft hyphens, fillers, separators, notes and what is not assigned.
local NOTHING = {
  { 0xad, 0xad },
  { 0x34f, 0x34f },
  { 0x61c, 0x61c },
  { 0x115f, 0x1160 },
  { 0x17b4, 0x17b5 },
  { 0x2028, 0x2029 },
  { 0x2065, 0x2065 },
  { 0x3164, 0x3164 },
  { 0xffa0, 0xffa0 },
  { 0xfff0, 0xfff8 },
  { 0x1bca0, 0x1bca3 },
  { 0x1d173, 0x1d17a },
  { 0xe0000, 0xe0fff },
}

-- What Neovim shows by its number in a buffer and a bar, but neither in a float's title nor in a list of choices.
local NUMBERED = {
  { 0x80, 0x9f },
  { 0x180e, 0x180e },
  { 0x200b, 0x200b },
  { 0x200e, 0x200f },
  { 0x202a, 0x202e },
  { 0x2060, 0x206f },
  { 0xfeff, 0xfeff },
  { 0xfff9, 0xfffb },
  { 0xfffe, 0xffff },
}

---@param code integer
---@param ranges integer[][]
---@return boolean
local function is_in(code, ranges)
  for _, range in ipairs(ranges) do
    if code >= range[1] and code <= range[2] then
      return true
    end
  end
  return false
end

--- A sign of as many bytes, so that no column moves. A tag says which letter it hides.
---@param letter string
---@param code integer
---@return string
local function sign(letter, code)
  if #letter < 4 then
    return #letter == 2 and '¤' or '\u{fffd}'
  end
  local hidden = code - 0xe0000
  return '‹' .. (hidden >= 32 and hidden <= 126 and string.char(hidden) or '?')
end

--- The text with a sign in the place of what nobody would see, as the backend shows it (`src/render/unseen.rs`): of joiners
--- and variants those stay that stand behind something they can change.
---@param text string
---@param numbered boolean what Neovim shows by its number stays
---@return string
local function seen(text, numbered)
  if not text:find(SUSPECT) then
    return text
  end
  local last, piled = '', 0
  local spelt ---@type integer|nil letters of a flag so far
  return (
    text:gsub('[%z\1-\127]?[\128-\191]*[\194-\244]?[\128-\191]*', function(run)
      -- Runs are cut at the next letter of either kind.
      local ascii = run:match('^[%z\1-\127]')
      local letter = run:match('[\194-\244][\128-\191]+$')
      if ascii then
        last, piled, spelt = ascii, 0, nil
      end
      if not letter then
        return nil
      end
      local code = number(letter)
      local hidden = false
      if code == 0x200c or code == 0x200d then
        hidden = last == '' or last:byte() < 128 or last == letter
      elseif code >= 0xfe00 and code <= 0xfe0f then
        hidden = last == '' or last:find('^%s') ~= nil or last:find('^\239\184[\128-\143]') ~= nil
      elseif code >= 0x180b and code <= 0x180f and code ~= 0x180e then
        hidden = not last:find('^\225[\160-\162]')
      elseif code >= 0xe0020 and code <= 0xe007e then
        hidden = not spelt or spelt >= SPELT
      elseif code == 0xe007f then
        hidden = not spelt or spelt == 0
      elseif code >= 0xe0100 and code <= 0xe01ef then
        hidden = not last:find('^[\227-\239\240]') or last:find('^\239\184') ~= nil
      else
        hidden = is_in(code, NOTHING) or (not numbered and is_in(code, NUMBERED))
      end
      local mark = is_mark(code)
      piled = mark and piled + 1 or 0
      hidden = hidden or piled > PILED
      local tag = code >= 0xe0020 and code <= 0xe007e
      spelt = letter == FLAG and 0 or (tag and spelt) and spelt + 1 or nil
      last = letter
      return hidden and run:sub(1, #run - #letter) .. sign(letter, code) or nil
    end)
  )
end

--- One line of a buffer, where Neovim shows control characters as `^X`, with all of it to be seen.
---@param text string
---@return string
function M.visible(text)
  return is_plain(text) and text or seen((text:gsub('[%z\n]', ' ')), true)
end

---@type table<string, string>, integer
local cleaned, cleaned_count = {}, 0

--- One line without control characters, and with all of it to be seen: what a title, a bar, a list or a prompt can show.
--- Neovim itself draws a float's title as it is, and a carriage return in a message moves the cursor. As long as before, in
--- bytes.
---@param text string
---@return string
function M.clean(text)
  if is_plain(text) then
    return text
  end
  local out = cleaned[text] ---@type string|nil
  if not out then
    out = seen((text:gsub('[%c%z]', ' ')), false)
    if #text <= SHORT then
      if cleaned_count == MOST then
        cleaned, cleaned_count = {}, 0
      end
      cleaned[text], cleaned_count = out, cleaned_count + 1
    end
  end
  return out
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
