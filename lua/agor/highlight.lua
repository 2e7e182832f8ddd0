--- The names of everything that we colour: links to groups that every colour scheme has, and a few backgrounds that are
--- mixed from a scheme's own colours, since no group has them in every scheme. Where a link would not be to be seen, or
--- not be dim, its colours are taken over and mended.
---
--- Knows nothing of buffers and windows. A user's own `:highlight` of a group always wins.

local M = {}

---@type table<string, string>
M.links = {
  -- Transcript; the backend's renderer names these.
  AgorUser = 'Title',
  AgorUserMark = 'Special',
  AgorThinking = 'Comment',
  AgorTool = 'Normal',
  AgorToolName = 'Function',
  AgorToolRunning = 'DiagnosticInfo',
  AgorToolDone = 'DiagnosticOk',
  AgorToolFailed = 'DiagnosticError',
  AgorOutput = 'Comment',
  AgorError = 'DiagnosticError',
  AgorWarning = 'DiagnosticWarn',
  AgorCost = 'Comment',
  AgorDim = 'Comment',
  AgorHeading1 = '@markup.heading.1',
  AgorHeading2 = '@markup.heading.2',
  AgorHeading3 = '@markup.heading.3',
  AgorHeading4 = '@markup.heading.4',
  AgorHeading5 = '@markup.heading.5',
  AgorHeading6 = '@markup.heading.6',
  AgorMarkup = 'NonText',
  AgorCode = 'String',
  AgorCodeFence = 'NonText',
  AgorBold = '@markup.strong',
  AgorItalic = '@markup.italic',
  AgorStrike = '@markup.strikethrough',
  AgorLink = 'Underlined',
  AgorQuote = 'Comment',
  AgorListMarker = 'Special',
  AgorTask = 'Special',
  AgorTableBorder = 'NonText',
  AgorAlertNote = 'DiagnosticInfo',
  AgorAlertTip = 'DiagnosticOk',
  AgorAlertImportant = 'DiagnosticHint',
  AgorAlertWarning = 'DiagnosticWarn',
  AgorAlertCaution = 'DiagnosticError',
  AgorDiffAdd = 'Added',
  AgorDiffDelete = 'Removed',
  AgorDiffHunk = 'NonText',
  AgorPath = 'Directory',
  AgorPlanDone = 'Comment',
  AgorPlanActive = 'DiagnosticInfo',
  AgorPlanPending = 'Normal',
  AgorQuestion = 'DiagnosticWarn',
  AgorTitle = 'Title',
  AgorStatusRunning = 'DiagnosticInfo',
  AgorStatusIdle = 'DiagnosticHint',
  AgorStatusDone = 'DiagnosticOk',
  AgorStatusError = 'DiagnosticError',
  AgorDanger = 'DiagnosticError',
  AgorNew = 'DiagnosticInfo',
  -- Our own windows.
  AgorBar = 'Normal',
  AgorRule = 'NonText',
  AgorAttachment = 'Directory',
  AgorHint = 'Comment',
  AgorFloat = 'NormalFloat',
  AgorBorder = 'FloatBorder',
  AgorKey = 'Special',
  AgorSelected = 'Visual',
  AgorFound = 'Search',
}

-- On the border of a float: the colour of one group on the background of the float.
---@type table<string, string>
M.on_float = {
  AgorFloatTitle = 'FloatTitle',
  AgorBorderAsk = 'DiagnosticWarn',
  AgorTitleAsk = 'DiagnosticWarn',
  AgorFloatHint = 'Comment',
}

-- Of no look: what they are drawn on shows, also in floats and in windows that are not the current one.
---@type string[]
M.plain = { 'AgorMargin' }

---@class agor.Tint
---@field from string the group whose foreground is mixed into the background of Normal
---@field share number of it
---@field vivid boolean its hue is what counts, be it pale or dark in the scheme
---@field dark? integer[] colours and their names of 256: background, then foreground
---@field light? integer[]
---@field few? integer[] the same where there are fewer colours

-- Backgrounds. With fewer than 256 colours there are none that are subtle: there the text's own signs have to do.
---@type table<string, agor.Tint>
M.tints = {
  AgorCodeBlock = { from = 'Normal', share = 0.06, vivid = false },
  AgorDiffAddLine = { from = 'Added', share = 0.1, vivid = true },
  AgorDiffDeleteLine = { from = 'Removed', share = 0.1, vivid = true },
  AgorDiffAddWord = {
    from = 'Added',
    share = 0.28,
    vivid = true,
    dark = { 22 },
    light = { 194 },
    few = { 2, 0 },
  },
  AgorDiffDeleteWord = {
    from = 'Removed',
    share = 0.28,
    vivid = true,
    dark = { 52 },
    light = { 224 },
    few = { 1, 0 },
  },
}

-- ------------------------------------------------------------------ colours

---@param rgb integer
---@return number[]
local function channels(rgb)
  return { math.floor(rgb / 65536), math.floor(rgb / 256) % 256, rgb % 256 }
end

---@param rgb integer
---@return integer the same hue, bright and strong
local function vivid(rgb)
  local c = channels(rgb)
  local grey = math.min(c[1], c[2], c[3]) * 0.8
  local most = math.max(c[1], c[2], c[3]) - grey
  local out = 0
  for i = 1, 3 do
    out = out * 256 + (most > 0 and math.floor((c[i] - grey) * 255 / most + 0.5) or 255)
  end
  return out
end

---@param from integer
---@param into integer
---@param share number of the first
---@return integer
local function mix(from, into, share)
  local a, b = channels(from), channels(into)
  local out = 0
  for i = 1, 3 do
    out = out * 256 + math.floor(a[i] * share + b[i] * (1 - share) + 0.5)
  end
  return out
end

--- The nearest of the 24 greys among 256 colours.
---@param rgb integer
---@return integer
local function grey(rgb)
  local c = channels(rgb)
  local level = (c[1] + c[2] + c[3]) / 3
  return 232 + math.max(0, math.min(23, math.floor((level - 8) / 10 + 0.5)))
end

--- The nearest of the 216 colours of the cube.
---@param rgb integer
---@return integer
local function cube(rgb)
  local out = 0
  for _, value in ipairs(channels(rgb)) do
    out = out * 6 + (value < 48 and 0 or value < 115 and 1 or math.floor((value - 35) / 40))
  end
  return 16 + out
end

---@param rgb integer
---@return number from 0 to 1, as eyes see it (WCAG)
local function luminance(rgb)
  local weights = { 0.2126, 0.7152, 0.0722 }
  local sum = 0 ---@type number
  for i, value in ipairs(channels(rgb)) do
    local c = value / 255
    sum = sum + weights[i] * (c <= 0.03928 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4)
  end
  return sum
end

---@param a integer
---@param b integer
---@return number from 1 to 21
local function contrast(a, b)
  local high, low = luminance(a), luminance(b)
  if high < low then
    high, low = low, high
  end
  return (high + 0.05) / (low + 0.05)
end

---@param name string
---@return vim.api.keyset.get_hl_info
local function look(name)
  return vim.api.nvim_get_hl(0, { name = name, link = false })
end

---@return integer
local function colours()
  return math.floor(tonumber(vim.fn.eval('&t_Co')) or 256)
end

---@param tint agor.Tint
---@return vim.api.keyset.highlight
local function background(tint)
  local normal, from = look('Normal'), look(tint.from)
  local dark = vim.o.background == 'dark'
  local base = normal.bg or (dark and 0x000000 or 0xffffff)
  local fg = from.fg or normal.fg or (dark and 0xffffff or 0x000000)
  local out = { bg = mix(tint.vivid and vivid(fg) or fg, base, tint.share) }
  if colours() < 256 then
    if tint.few then
      out.ctermbg, out.ctermfg = tint.few[1], tint.few[2]
    end
  elseif tint.dark and tint.light then
    out.ctermbg = (dark and tint.dark or tint.light)[1]
  elseif not tint.vivid then
    local level = grey(out.bg)
    if level == normal.ctermbg then
      level = level + (dark and 1 or -1)
    end
    out.ctermbg = level
  end
  return out
end

-- ------------------------------------------------------------------ definition

-- What outlives a reload of our modules.
local kept = require('agor.state')
kept.ui = kept.ui or {}

--- What each group was made last: only that is ours to be made anew.
---@type table<string, table>
local made = kept.ui.highlights or {}
kept.ui.highlights = made

---@param name string
---@return table
local function current(name)
  local found = vim.api.nvim_get_hl(0, { name = name })
  -- It is lost when a scheme clears everything, the rest is not.
  found.default = nil
  return found
end

---@param name string
---@param value vim.api.keyset.highlight
local function define(name, value)
  local found = current(name)
  if next(found) and not vim.deep_equal(found, made[name]) then
    made[name] = nil
    return
  end
  value.default, value.force = true, true
  vim.api.nvim_set_hl(0, name, value)
  made[name] = current(name)
end

-- What is to be seen less: in Neovim's own scheme these have no colour where a terminal names its colours by number, and
-- in some others a background, which is for the end of a buffer and not for signs within a text.
local DIM = { Comment = true, NonText = true }

---@param found vim.api.keyset.get_hl_info
---@return vim.api.keyset.highlight?
local function dimmed(found)
  local named = found.ctermfg or found.ctermbg or found.cterm
  local number = found.ctermfg
  if found.fg and not named and not vim.o.termguicolors and colours() >= 16 then
    number = colours() >= 256 and grey(found.fg) or 8
  end
  if number ~= found.ctermfg or found.bg or found.ctermbg then
    local attributes = { bold = found.bold, italic = found.italic, cterm = found.cterm }
    return vim.tbl_extend('error', attributes, { fg = found.fg, ctermfg = number })
  end
end

--- Colours of a status that are hardly to be seen on the scheme's background: old schemes for a light one leave them as
--- they are for a dark one.
---@param found vim.api.keyset.get_hl_info
---@return vim.api.keyset.highlight?
local function readable(found)
  local normal = look('Normal')
  if not found.fg or found.bg or not normal.bg or contrast(found.fg, normal.bg) >= 2 then
    return nil
  end
  local fg, towards = found.fg, luminance(normal.bg) > 0.2 and 0x000000 or 0xffffff
  while contrast(fg, normal.bg) < 4 do
    fg = mix(towards, fg, 0.1)
  end
  return { fg = fg, ctermfg = colours() >= 256 and cube(fg) or found.ctermfg }
end

---@param target string
---@return vim.api.keyset.highlight
local function linked(target)
  local own
  if DIM[target] then
    own = dimmed(look(target))
  elseif vim.startswith(target, 'Diagnostic') then
    own = readable(look(target))
  end
  return own or { link = target }
end

--- Neovim draws what has no background there, as titles in its own scheme, on the editor's and not on the float's.
---@param source string
---@return vim.api.keyset.highlight
local function on_float(source)
  local from, float = look(source), look('NormalFloat')
  local out = { fg = from.fg, ctermfg = from.ctermfg, bg = float.bg, ctermbg = float.ctermbg }
  if source == 'FloatTitle' then
    -- It is for nothing else: a background of its own is meant for titles.
    if from.bg or from.ctermbg or from.reverse then
      return { link = source }
    end
    local attributes = { bold = from.bold, italic = from.italic, cterm = from.cterm }
    return vim.tbl_extend('error', attributes, out)
  end
  return out
end

local function define_all()
  for name, source in pairs(M.on_float) do
    define(name, on_float(source))
  end
  for name, tint in pairs(M.tints) do
    define(name, background(tint))
  end
  for name, target in pairs(M.links) do
    define(name, linked(target))
  end
end

--- Defines the groups, now and whenever the colours that they are made of may be others. Cheap to call again.
function M.setup()
  define_all()
  local group = vim.api.nvim_create_augroup('agor_highlight', { clear = true })
  vim.api.nvim_create_autocmd(
    { 'ColorScheme', 'UIEnter' },
    { group = group, callback = define_all }
  )
  -- Neovim's own scheme changes with it without saying so.
  vim.api.nvim_create_autocmd('OptionSet', {
    group = group,
    pattern = { 'background', 'termguicolors' },
    callback = define_all,
  })
end

return M
