--- The lines that our boxes are made of: one float, or two that look like one box. Only with `icons = 'ascii'` are they
--- other than what Neovim draws itself.

local M = {}

---@class agor.Strokes
---@field across string
---@field down string
---@field corners string[] as Neovim counts them: top left, top right, bottom right, bottom left
---@field joints string[] where a line across meets the left and the right side

---@type agor.Strokes
local DRAWN = {
  across = '─',
  down = '│',
  corners = { '╭', '╮', '╯', '╰' },
  joints = { '├', '┤' },
}

---@type agor.Strokes
local ASCII = { across = '-', down = '|', corners = { '+', '+', '+', '+' }, joints = { '+', '+' } }

---@return agor.Strokes
local function strokes()
  return require('agor.config').get().icons == 'ascii' and ASCII or DRAWN
end

--- A box of its own.
---@return string[]
function M.whole()
  local s = strokes()
  local c = s.corners
  return { c[1], s.across, c[2], s.down, c[3], s.across, c[4], s.down }
end

--- The upper of two floats that are one box: the lower one closes it.
---@return string[]
function M.upper()
  local s = strokes()
  return { s.corners[1], s.across, s.corners[2], s.down, '', '', '', s.down }
end

--- The lower one, under a line across.
---@return string[]
function M.lower()
  local s = strokes()
  local c = s.corners
  return { s.joints[1], s.across, s.joints[2], s.down, c[3], s.across, c[4], s.down }
end

--- For 'fillchars': the lines between windows, where they must not be what Neovim draws.
---@return string
function M.separators()
  if strokes() ~= ASCII then
    return ''
  end
  return 'horiz:-,horizup:+,horizdown:+,vert:|,vertleft:+,vertright:+,verthoriz:+'
end

--- What a rule across a window is made of.
---@return string
function M.rule()
  return strokes().across
end

return M
