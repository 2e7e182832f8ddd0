--- Keys inside our own buffers: each is a `<Plug>(agor-…)` first, and a default key for it after that.
---
--- Knows nothing of what the keys do. A default is left out if `keys = false`, if the user has mapped something to its
--- `<Plug>`, or if the key has a mapping of the user's own in this buffer.

local M = {}

---@class agor.Key
---@field modes string one letter each: `n`, `i`, `x`
---@field lhs string|string[] default keys; empty for none
---@field name string what stands in `<Plug>(agor-name)`
---@field desc string
---@field run fun()
---@field yields? boolean its default is left out where the user has mapped the key for all buffers too
---@field hidden? boolean not worth a line in the help
---@field now? fun(): string? what the help says of it instead of `desc`; nothing where the key does nothing now

-- What outlives a reload of our modules.
local kept = require('agor.state')
kept.ui = kept.ui or {}

---@type table<integer, agor.Key[]>
local attached = kept.ui.attached or {}
kept.ui.attached = attached

local function plug(name)
  return ('<Plug>(agor-%s)'):format(name)
end

---@param lhs string|string[]
---@return string[]
local function list(lhs)
  if type(lhs) == 'table' then
    return lhs
  end
  return lhs == '' and {} or { lhs }
end

---@param buf integer
---@param keys agor.Key[]
function M.attach(buf, keys)
  attached[buf] = keys
  local defaults = require('agor.config').get().keys ~= false
  vim.api.nvim_buf_call(buf, function()
    local wanted = {}
    for _, key in ipairs(keys) do
      for mode in key.modes:gmatch('.') do
        local mapped = vim.fn.hasmapto(plug(key.name), mode) == 1
        for _, lhs in ipairs(list(key.lhs)) do
          local map = vim.fn.maparg(lhs, mode, false, true)
          -- Neovim's own mappings say so in their description.
          local theirs = key.yields and map.lhs and not (map.desc or ''):match('^vim%.')
          local own = map.buffer == 1 or theirs
          if defaults and not mapped and not own then
            wanted[#wanted + 1] = { mode, lhs, key }
          end
        end
      end
    end
    for _, key in ipairs(keys) do
      local modes = vim.split(key.modes, '')
      vim.keymap.set(modes, plug(key.name), key.run, { buffer = buf, desc = key.desc })
    end
    for _, want in ipairs(wanted) do
      local mode, lhs, key = unpack(want)
      vim.keymap.set(mode, lhs, plug(key.name), {
        buffer = buf,
        remap = true,
        nowait = true,
        desc = key.desc,
      })
    end
  end)
end

--- More of them, for a buffer that has some.
---@param buf integer
---@param keys agor.Key[]
function M.add(buf, keys)
  local before = attached[buf] or {}
  M.attach(buf, keys)
  attached[buf] = vim.list_extend(vim.list_slice(before), keys)
end

---@param buf integer
function M.forget(buf)
  attached[buf] = nil
end

local function same_key(a, b)
  return vim.api.nvim_replace_termcodes(a, true, true, true)
    == vim.api.nvim_replace_termcodes(b, true, true, true)
end

--- What reaches each action in this buffer now, the user's own mappings included.
---@param buf integer
---@return { keys: string[], desc: string, mode: string }[]
function M.describe(buf)
  local rows = {}
  for _, key in ipairs(attached[buf] or {}) do
    local desc = key.desc ---@type string?
    if key.now then
      desc = key.now()
    end
    if desc and not key.hidden then
      for mode in key.modes:gmatch('.') do
        local found = {}
        local maps = vim.api.nvim_buf_get_keymap(buf, mode)
        vim.list_extend(maps, vim.api.nvim_get_keymap(mode))
        for _, map in ipairs(maps) do
          if map.rhs and same_key(map.rhs, plug(key.name)) then
            found[#found + 1] = ((map.lhs or ''):gsub('^ ', '<Space>'))
          end
        end
        if #found > 0 then
          table.sort(found)
          rows[#rows + 1] = { keys = found, desc = desc, mode = mode }
        end
      end
    end
  end
  return rows
end

return M
