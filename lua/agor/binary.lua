-- Where the backend's program lies and what this plugin expects of it. Knows files, starts nothing.

local M = {}

---Of this checkout; Cargo.toml has the same (a test compares).
M.version = '0.1.0'
---Raised when doc/wire.md changes in a way that an old peer would misread.
M.protocol = 5

---@return string
local function root()
  return require('agor.provider').plugin_root()
end

---@param path string
---@return number|nil seconds
local function modified(path)
  local stat = vim.uv.fs_stat(path)
  if not stat or stat.type ~= 'file' or vim.fn.executable(path) ~= 1 then
    return nil
  end
  return stat.mtime.sec + stat.mtime.nsec / 1e9
end

---@param path string
---@param origin string
---@return string|nil, string|nil
local function named(path, origin)
  local full = vim.fs.normalize(path)
  if not full:find('/') then
    full = require('agor.programs').find(full)
  end
  full = vim.fn.fnamemodify(full, ':p')
  if full ~= '' and modified(full) then
    return full
  end
  return nil, ('%s names "%s", which is no program that can be run'):format(origin, path)
end

---@return string|nil path
---@return string|nil message
function M.find()
  local configured = require('agor.config').get().binary
  if configured then
    return named(configured, 'config.binary')
  end
  local env = vim.env.AGOR_BIN
  if env and env ~= '' then
    return named(env, '$AGOR_BIN')
  end
  local built, cargo = root() .. '/bin/agor-nvim', root() .. '/target/release/agor-nvim'
  local built_at, cargo_at = modified(built), modified(cargo)
  if built_at and (not cargo_at or built_at >= cargo_at) then
    return built
  elseif cargo_at then
    return cargo
  end
  local path = require('agor.programs').find('agor-nvim')
  if path ~= '' then
    return path
  end
  return nil, 'The backend is not built yet: run :Agor build, or without Rust :Agor install'
end

return M
