--- What a question is about, to be read beside it: all of it in a float, and the files that the project brings along, each
--- in a window. The question stays where it is and is answered by neither.
---
--- Knows items as `ask_item.lua` has them; whose the cursor is, says who calls.

local M = {}

---@class agor.AskFile of a question of ours, as the backend tells it
---@field path string as the user knows it
---@field state string
---@field file string its absolute path; empty if that cannot be said

---@param item agor.AskItem
---@return agor.AskFile[]
local function files(item)
  local all = item.ours and type(item.input) == 'table' and item.input.files or nil
  return type(all) == 'table'
      and vim.tbl_filter(function(file)
        return type(file) == 'table' and type(file.file) == 'string' and file.file ~= ''
      end, all)
    or {}
end

--- Whether it names files that can be opened.
---@param item agor.AskItem
---@return boolean
function M.has_files(item)
  return #files(item) > 0
end

--- In a float with what is in all of them, the file whose name is the nearest at or above the cursor: the text below a name
--- stands further in.
---@param all agor.AskFile[]
---@return agor.AskFile?
local function under_cursor(all)
  local lines = vim.api.nvim_buf_get_lines(0, 0, vim.api.nvim_win_get_cursor(0)[1], false)
  for at = #lines, 1, -1 do
    for _, file in ipairs(all) do
      if lines[at] == file.path then
        return file
      end
    end
  end
end

--- Whoever brought it may have written modelines into it; a pipe or a device is not opened, nor is a name with a scheme.
---@param file agor.AskFile
local function open(file)
  local jump = require('agor.ui.jump')
  local opened = false
  require('agor.regular').without_modelines(function()
    opened = jump.to_path('', file.file)
  end)
  if not opened then
    local name = require('agor.ui.cells').clean(file.path)
    require('agor.message').warn(('%s is not there as a plain file'):format(name))
  end
end

--- `gf`: the file that the cursor is on, the only one, or the one that is chosen, in a window beside the question.
---@param item agor.AskItem
---@param beside fun(run: fun()) what leaves the question in it does not put it off
function M.file(item, beside)
  local all = files(item)
  local one = under_cursor(all) or #all == 1 and all[1] or nil
  if one then
    return beside(function()
      open(one)
    end)
  elseif #all == 0 then
    return require('agor.message').warn('This question names no file that can be opened')
  end
  require('agor.pick').one(all, {
    prompt = 'Which file?',
    format_item = function(file)
      return file.state == '' and file.path or ('%s (%s)'):format(file.path, file.state)
    end,
  }, function(file)
    if file then
      beside(function()
        open(file)
      end)
    end
  end)
end

--- `K`: all of what is asked, in a float.
---@param item agor.AskItem
---@param beside fun(run: fun())
---@param wanted fun(): boolean nobody wants to read what was answered or left meanwhile
function M.whole(item, beside, wanted)
  if not item.cut then
    return beside(function()
      require('agor.ui.ask_view').whole(item)
    end)
  end
  local follow = M.has_files(item) and function()
    M.file(item, beside)
  end or nil
  require('agor.ui.look').asked(item.session_id, item.request_id, function(show)
    if wanted() then
      beside(show)
    end
  end, follow)
end

return M
