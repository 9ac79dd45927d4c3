DROP TABLE traders;
